import {readSync, writeSync} from 'node:fs';
import {storageError} from '../../host/storage-error.ts';
import {createTurns} from '../../host/turns.ts';
import {readPart} from './blob-parts.ts';
import {type ChunkRun, createRunPlanner} from './plan-runs.ts';
import {fetchChunkAgain, unpackChunk} from './verified-chunk.ts';
import type {PlacedChunk, VirtualLayer} from './virtual-layer.ts';

/** A layer file whose content comes when it is read. */
export interface LazyFile {
  /** Bytes. */
  readonly size: number;
  /**
   * Exactly these bytes of it, each of them verified.
   *
   * @throws {WinchError} `DIGEST_MISMATCH` | `STORE_FULL` … | as the blob
   */
  read(offset: number, length: number): Promise<Buffer>;
}

export interface LazyFileOptions {
  /** An empty file that is its own: what has come stays there. */
  readonly fd: number;
  /** For messages. */
  readonly path: string;
}

/** How many requests of one layer are under way; more do not make one registry faster. */
const RUNS_AT_ONCE = 4;

/** Opens a layer file of which only the head and the index are there. Each chunk is fetched once, whoever asks for it. */
export function openLazyFile(layer: VirtualLayer, {fd, path}: LazyFileOptions): LazyFile {
  const {chunks, fileBytes} = layer;
  const write = (bytes: Buffer, position: number) => writeFully({fd, path}, bytes, position);
  for (const {bytes, position} of layer.pieces()) write(bytes, position);
  const isThere = Uint8Array.from(chunks, ({isZeros}) => (isZeros ? 1 : 0));
  const coming = new Map<number, Promise<void>>();
  const runs = createRunPlanner(chunks, (index) => isThere[index] === 0 && !coming.has(index));
  const turns = createTurns(RUNS_AT_ONCE);
  const readInTurn = async (start: number, end: number): Promise<Buffer> => {
    using _turn = await turns.take();
    return await readPart(layer.parts, {start, end, isAgain: false});
  };
  const put = async (index: number, packed: Buffer, isWanted: boolean) => {
    const chunk = chunks[index];
    if (!chunk) return;
    const content = await unpackChunk(packed, chunk, layer.compression);
    // What nobody has asked for is fetched again once somebody does.
    if (content === null && !isWanted) return;
    write(content ?? (await fetchChunkAgain(layer.parts, chunk, layer.compression)), chunk.position);
    isThere[index] = 1;
  };
  const fetch = ({start, end, indexes, wanted}: ChunkRun): void => {
    const packed = readInTurn(start, end);
    let before: Promise<unknown> = packed.catch(() => {});
    // One after the other: unpacking takes memory.
    for (const index of indexes.toSorted((a, b) => Number(wanted.has(b)) - Number(wanted.has(a)))) {
      const {start: from = 0, end: to = 0} = chunks[index] ?? {};
      const filled = before
        .then(async () => put(index, (await packed).subarray(from - start, to - start), wanted.has(index)))
        .finally(() => coming.delete(index));
      before = filled.catch(() => {});
      coming.set(index, filled);
    }
  };
  return {
    size: fileBytes,
    read: async (offset, length) => {
      const wanted = chunksWithin(chunks, offset, offset + length).filter((index) => isThere[index] === 0);
      // What comes may be what nobody had asked for, and be wrong: then it is asked for once more.
      for (let missing = wanted; missing.length > 0; missing = wanted.filter((index) => isThere[index] === 0)) {
        for (const run of runs.plan(missing.filter((index) => !coming.has(index)))) fetch(run);
        await Promise.all(missing.map((index) => coming.get(index)));
      }
      return readFully({fd, path}, offset, length);
    },
  };
}

/** The numbers of the chunks that have a byte of a part. */
function chunksWithin(chunks: readonly PlacedChunk[], start: number, end: number): readonly number[] {
  let [low, high] = [0, chunks.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const {position = 0, size = 0} = chunks[middle] ?? {};
    if (position + size > start) high = middle;
    else low = middle + 1;
  }
  const found: number[] = [];
  for (let index = low; index < chunks.length && (chunks[index]?.position ?? end) < end; index++) found.push(index);
  return found;
}

/** To the page cache, which takes no longer than handing it to another thread. */
function writeFully({fd, path}: LazyFileOptions, bytes: Buffer, position: number): void {
  try {
    for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, position + done);
  } catch (error) {
    throw storageError(error, path);
  }
}

/** Behind its last written byte a file has zeros, which are no content of anything. */
function readFully({fd, path}: LazyFileOptions, offset: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  try {
    for (let done = 0; done < length; ) {
      const count = readSync(fd, bytes, done, length - done, offset + done);
      if (count === 0) break;
      done += count;
    }
    return bytes;
  } catch (error) {
    throw storageError(error, path);
  }
}
