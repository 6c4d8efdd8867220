import {type FileHandle, open} from 'node:fs/promises';
import {WinchError} from '../errors.ts';
import type {DirectoryMarks} from '../host/restore-directories.ts';
import type {Digest} from '../oci/digest.ts';
import {markDirectories} from './directory-marks.ts';
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

/** What a layer file is; the rest only where there is no fault. */
export type VerifiedLayer =
  | {readonly fault: LayerFault}
  | {
      readonly fault: null;
      readonly entries: number;
      readonly whiteouts: number;
      readonly directories: DirectoryMarks;
    };

export interface VerifyOptions {
  readonly signal?: AbortSignal | undefined;
}

/** What lies beyond a piece of a file's content is not read. */
const PIECE_BYTES = 256 * 1024;

/**
 * Compares the index and the head of a layer file with what its tar gives. Whether the tar is the right one is for its
 * digest to say, which can be taken at the same time.
 *
 * @returns the first fault, or what is recorded of a layer every byte of which around the tar is right.
 * @throws a Node system error when the file cannot be read
 */
export async function verifyLayerIndex(layer: LayerToVerify, options: VerifyOptions = {}): Promise<VerifiedLayer> {
  await using file = await open(layer.path, 'r');
  if ((await file.stat()).size !== layer.fileBytes) return {fault: 'size'};
  const tree = await readTree(file, layer, options);
  if (tree === null) return {fault: 'tar'};
  const layout = layOutErofs(tree, layer.tarBytes);
  if (layout.end !== layer.fileBytes) return {fault: 'size'};
  if (!(await hasIndex(file, layout, layer, options))) return {fault: 'index'};
  if (!(await isAt(file, encodeLayerHead(layout, layer.diffId), 0))) return {fault: 'head'};
  return {fault: null, entries: tree.entries, whiteouts: layout.whiteouts, directories: markDirectories(layout)};
}

/** Null: the tar is another one than was accepted once. */
async function readTree(
  file: FileHandle,
  {tarBytes}: LayerToVerify,
  {signal}: VerifyOptions,
): Promise<LayerTree | null> {
  const builder = createTreeBuilder();
  const reader = createTarReader(builder.add);
  const buffer = Buffer.allocUnsafeSlow(Math.max(1, Math.min(PIECE_BYTES, tarBytes)));
  try {
    for (let position = 0; position < tarBytes; ) {
      signal?.throwIfAborted();
      const wanted = Math.min(buffer.length, tarBytes - position);
      const {bytesRead} = await file.read(buffer, 0, wanted, HEAD_BYTES + position);
      if (bytesRead === 0) return null;
      reader.push(buffer.subarray(0, bytesRead));
      position += bytesRead;
      position += reader.skip(tarBytes - position);
    }
    reader.end();
    return builder.finish();
  } catch (error) {
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
