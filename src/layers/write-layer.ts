import {type FileHandle, open, rm} from 'node:fs/promises';
import {WinchError} from '../errors.ts';
import type {Durability} from '../host/atomic-write.ts';
import type {DirectoryMarks} from '../host/restore-directories.ts';
import {storageError} from '../host/storage-error.ts';
import {createDigester, type Digest, digestAlgorithm} from '../oci/digest.ts';
import {isFileSystemLayer, type LayerCompression, layerCompression} from '../oci/media-types.ts';
import {decompressLayer} from './decompress.ts';
import {markDirectories} from './directory-marks.ts';
import {encodeErofsIndex} from './erofs-index.ts';
import {type ErofsLayout, layOutErofs} from './erofs-layout.ts';
import {encodeLayerHead} from './layer-head.ts';
import {createLayerOutput, type LayerOutput} from './layer-output.ts';
import {layerRefusal} from './refusal.ts';
import {createTarReader} from './tar-reader.ts';
import {createTreeBuilder, type LayerTree} from './tree.ts';

export interface WriteLayerOptions {
  /** The digest that the tar must have (image-spec v1.1.1 config.md, `rootfs.diff_ids`); null: it is a new one. */
  readonly expectedDiffId: Digest | null;
  /** The descriptor's; a compression other than it says is a warning. */
  readonly mediaType?: string | undefined;
  readonly durability: Durability;
  /** Bytes that the tar may have at most. Default: 1 TiB, half of what the format can address. */
  readonly maxUnpackedBytes?: number | undefined;
  /** Bytes of the file system that must stay free, looked at every 32 MiB; absent: 5 % of it, at most 1 GiB. */
  readonly freeSpaceFloor?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a layer file holds; sizes are bytes. */
export interface WrittenLayer {
  readonly diffId: Digest;
  readonly tarBytes: number;
  readonly fileBytes: number;
  /** Entries of the tar. */
  readonly entries: number;
  /** Names of lower layers that it hides one by one. */
  readonly whiteouts: number;
  /** What an overlay of this layer must know of its directories. */
  readonly directories: DirectoryMarks;
  /** As found in the bytes. */
  readonly compression: LayerCompression;
  /** For people; file names in them are raw. */
  readonly warnings: readonly string[];
}

/** EROFS counts blocks of 512 bytes in 32 bits. */
const DEFAULT_MAX_UNPACKED_BYTES = 2 ** 40;

/**
 * Writes a layer file: the tar byte for byte behind 4 KiB of head, then an EROFS index over it, in one pass.
 *
 * The kernel can mount the file, and the tar can be read back from offset 4096. Equal tars give equal files. `path` is
 * created with mode 0600, must not exist, and is removed again on every failure. The file and its name are the caller's to
 * sync; with `full` durability most of it is on the disk by then.
 *
 * @param source The compressed blob; released on every path, and its chunks are used up.
 * @throws {WinchError} kind `refused`: `DIGEST_MISMATCH` | `LAYER_COMPRESSION_INVALID` | `LIMIT_UNPACKED` |
 * `LAYER_UNSUPPORTED` | `TAR_INVALID` | `TAR_PATH` | `TAR_LINK` | `TAR_LIMIT` | `TAR_SPARSE` | `WHITEOUT_INVALID`
 * @throws {WinchError} kind `storage`: `STORE_FULL` | `STORE_READ_ONLY` | `STORE_DENIED` | `STORE_IO`
 * @see image-spec v1.1.1 layer.md#applying-changesets
 */
export async function writeLayerFile(
  source: AsyncIterable<Uint8Array>,
  path: string,
  options: WriteLayerOptions,
): Promise<WrittenLayer> {
  options.signal?.throwIfAborted();
  const {mediaType = ''} = options;
  if (isFileSystemLayer(mediaType)) {
    await source[Symbol.asyncIterator]().return?.();
    throw layerRefusal('LAYER_UNSUPPORTED', `the layer is a file system (${mediaType}), and no tar`);
  }
  const file = await openNew(path);
  try {
    return await fillFile(source, {file, path}, options);
  } catch (error) {
    await rm(path, {force: true});
    throw storageError(error, path);
  } finally {
    await file.close();
  }
}

async function openNew(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'wx', 0o600);
  } catch (error) {
    throw storageError(error, path);
  }
}

async function fillFile(
  source: AsyncIterable<Uint8Array>,
  {file, path}: {readonly file: FileHandle; readonly path: string},
  options: WriteLayerOptions,
): Promise<WrittenLayer> {
  const {durability, freeSpaceFloor} = options;
  const output = createLayerOutput(file, {path, durability, freeSpaceFloor});
  try {
    const {compression, tree, tarBytes, diffId} = await writeTar(source, output, options);
    const layout = await writeIndex(output, {tree, tarBytes, diffId});
    return {
      diffId,
      tarBytes,
      fileBytes: layout.end,
      entries: tree.entries,
      whiteouts: layout.whiteouts,
      directories: markDirectories(layout),
      compression,
      warnings: [...compressionWarnings(compression, options.mediaType), ...tree.warnings],
    };
  } finally {
    await output.settle();
  }
}

/** Writes, hashes and parses each piece while the next one is being decompressed on another thread. */
async function writeTar(source: AsyncIterable<Uint8Array>, output: LayerOutput, options: WriteLayerOptions) {
  const {expectedDiffId, maxUnpackedBytes = DEFAULT_MAX_UNPACKED_BYTES, signal} = options;
  const digester = createDigester(expectedDiffId === null ? undefined : digestAlgorithm(expectedDiffId));
  const builder = createTreeBuilder();
  const reader = createTarReader(builder.add);
  let tarBytes = 0;
  const {compression, chunks} = await decompressLayer(source, {signal, isVerified: expectedDiffId !== null});
  for await (const chunk of chunks) {
    signal?.throwIfAborted();
    tarBytes += chunk.length;
    if (tarBytes > maxUnpackedBytes) {
      throw layerRefusal('LIMIT_UNPACKED', `the layer unpacks to more than the allowed ${maxUnpackedBytes} bytes`);
    }
    const written = output.append(chunk);
    try {
      digester.update(chunk);
      reader.push(chunk);
    } finally {
      await written;
    }
  }
  const diffId = digester.digest();
  if (expectedDiffId !== null && diffId !== expectedDiffId) throw wrongDiffId(diffId, expectedDiffId);
  reader.end();
  return {compression, tree: builder.finish(), tarBytes, diffId};
}

interface IndexSource {
  readonly tree: LayerTree;
  readonly tarBytes: number;
  readonly diffId: Digest;
}

async function writeIndex(output: LayerOutput, {tree, tarBytes, diffId}: IndexSource): Promise<ErofsLayout> {
  const layout = layOutErofs(tree, tarBytes);
  output.seek(layout.start);
  for (const piece of encodeErofsIndex(layout)) await output.append(piece);
  await output.finish(encodeLayerHead(layout, diffId));
  return layout;
}

const wrongDiffId = (actual: Digest, expected: Digest): WinchError =>
  new WinchError('DIGEST_MISMATCH', `the layer's tar has the digest ${actual} instead of ${expected}`, {
    kind: 'refused',
    hint: 'the image config and its layers do not belong together; nothing was kept',
    details: {expected, actual},
  });

function compressionWarnings(found: LayerCompression, mediaType: string | undefined): readonly string[] {
  const announced = mediaType === undefined ? 'unknown' : layerCompression(mediaType);
  if (announced === 'unknown' || announced === found) return [];
  return [`a layer is announced as ${announced} and is ${found}; its bytes decide`];
}
