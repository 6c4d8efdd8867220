import {type FileHandle, open} from 'node:fs/promises';
import {WinchError} from '../errors.ts';
import {createDigester, type Digest, digestAlgorithm} from '../oci/digest.ts';
import {HEAD_BYTES} from './erofs-format.ts';
import {encodeErofsIndex} from './erofs-index.ts';
import {type ErofsLayout, layOutErofs} from './erofs-layout.ts';
import {encodeLayerHead} from './layer-head.ts';
import {createTarReader} from './tar-reader.ts';
import {createTreeBuilder, type LayerTree} from './tree.ts';

export interface LayerToVerify {
  readonly path: string;
  readonly diffId: Digest;
  readonly tarBytes: number;
  readonly fileBytes: number;
}

/** The part of a layer file that is not as `writeLayerFile` would write it. */
export type LayerFault = 'head' | 'tar' | 'index' | 'size';

export interface VerifyOptions {
  readonly signal?: AbortSignal | undefined;
}

const PIECE_BYTES = 1024 * 1024;

/**
 * Reads a whole layer file: hashes its tar against the diff id, and compares index and head with what that tar gives.
 *
 * @returns the first fault; null: every byte is right.
 * @throws a Node system error when the file cannot be read
 */
export async function verifyLayerFile(layer: LayerToVerify, options: VerifyOptions = {}): Promise<LayerFault | null> {
  await using file = await open(layer.path, 'r');
  if ((await file.stat()).size !== layer.fileBytes) return 'size';
  const tree = await readTree(file, layer, options);
  if (tree === null) return 'tar';
  const layout = layOutErofs(tree, layer.tarBytes);
  if (layout.end !== layer.fileBytes) return 'size';
  if (!(await hasIndex(file, layout, layer, options))) return 'index';
  return (await isAt(file, encodeLayerHead(layout, layer.diffId), 0)) ? null : 'head';
}

/** Null: the tar is another one. */
async function readTree(
  file: FileHandle,
  {diffId, tarBytes}: LayerToVerify,
  {signal}: VerifyOptions,
): Promise<LayerTree | null> {
  const digester = createDigester(digestAlgorithm(diffId));
  const builder = createTreeBuilder();
  const reader = createTarReader(builder.add);
  const buffer = Buffer.allocUnsafeSlow(Math.max(1, Math.min(PIECE_BYTES, tarBytes)));
  try {
    for (let position = 0; position < tarBytes; ) {
      signal?.throwIfAborted();
      const wanted = Math.min(buffer.length, tarBytes - position);
      const {bytesRead} = await file.read(buffer, 0, wanted, HEAD_BYTES + position);
      if (bytesRead === 0) return null;
      const piece = buffer.subarray(0, bytesRead);
      digester.update(piece);
      reader.push(piece);
      position += bytesRead;
    }
    if (digester.digest() !== diffId) return null;
    reader.end();
    return builder.finish();
  } catch (error) {
    // What was accepted once is refused now: its bytes have changed.
    if (error instanceof WinchError && error.kind === 'refused') return null;
    throw error;
  }
}

async function hasIndex(
  file: FileHandle,
  layout: ErofsLayout,
  {tarBytes}: LayerToVerify,
  {signal}: VerifyOptions,
): Promise<boolean> {
  const tarEnd = HEAD_BYTES + tarBytes;
  if (!(await isAt(file, Buffer.alloc(layout.start - tarEnd), tarEnd))) return false;
  let position = layout.start;
  for (const piece of encodeErofsIndex(layout)) {
    signal?.throwIfAborted();
    if (!(await isAt(file, piece, position))) return false;
    position += piece.length;
  }
  return true;
}

async function isAt(file: FileHandle, expected: Buffer, position: number): Promise<boolean> {
  const found = Buffer.allocUnsafe(expected.length);
  const {bytesRead} = await file.read(found, 0, expected.length, position);
  return bytesRead === expected.length && found.equals(expected);
}
