import type {FileNode} from '../file-tree.ts';
import type {LayerIndex} from '../layer-index.ts';
import {TAR_BLOCK_BYTES} from '../tar-header.ts';
import {indexTree} from '../tree-index.ts';
import {type BlobParts, cutParts} from './blob-parts.ts';
import type {ChunkedFormat} from './chunked-format.ts';
import {fetchToc} from './fetch-toc.ts';
import {type Chunk, readToc} from './toc.ts';
import type {ChunkCompression} from './unpack-prefix.ts';
import {fetchChunkAgain, unpackChunk} from './verified-chunk.ts';

/** A layer at a registry whose files are fetched one by one. */
export interface ChunkedLayer {
  /** Stands for the path of a layer file in its nodes. */
  readonly name: string;
  readonly index: LayerIndex;
  /**
   * The content of one of its files, in pieces of which each is verified before it is given; null for a file that can
   * only be had with the whole layer.
   *
   * Reading throws `DIGEST_MISMATCH`, and whatever the blob does.
   */
  readFile(node: FileNode): AsyncIterable<Uint8Array> | null;
}

export interface ChunkedLayerSource {
  readonly parts: BlobParts;
  readonly format: ChunkedFormat;
  readonly name: string;
}

const ZEROS = Buffer.alloc(64 * 1024);

/**
 * Opens a layer by its table of contents.
 *
 * @returns null for one that has to be fetched whole: without such a table, or with too large a one
 * @throws {WinchError} `DIGEST_MISMATCH` | `LAYER_TOC_INVALID` | `TAR_PATH` … as for a tar | as the blob
 */
export async function openChunkedLayer({parts, format, name}: ChunkedLayerSource): Promise<ChunkedLayer | null> {
  const fetched = await fetchToc(parts, format);
  const toc = fetched && readToc(fetched.document, fetched.payloadBytes);
  if (toc === null) return null;
  const compression = format.name === 'estargz' ? 'gzip' : 'zstd';
  return {
    name,
    index: indexTree(toc.tree, name),
    readFile: ({size, contentOffset}) => {
      const chunks = size === 0 ? [] : toc.chunksOf(contentOffset / TAR_BLOCK_BYTES);
      return chunks ? readChunks(parts, chunks, compression) : null;
    },
  };
}

/** Chunks that lie side by side come with one request. */
async function* readChunks(
  parts: BlobParts,
  chunks: readonly Chunk[],
  compression: ChunkCompression,
): AsyncGenerator<Uint8Array> {
  for (const run of runsOf(chunks)) {
    const [first, last] = [run[0], run.at(-1)];
    if (!first || !last) continue;
    if (first.isZeros) {
      yield* zeros(first.size);
      continue;
    }
    const lengths = run.map(({start, end}) => end - start);
    const packed = cutParts(parts.read({start: first.start, end: last.end, isAgain: false}), lengths);
    let next = 0;
    for await (const bytes of packed) {
      const chunk = run[next++];
      if (chunk)
        yield (await unpackChunk(bytes, chunk, compression)) ?? (await fetchChunkAgain(parts, chunk, compression));
    }
  }
}

/** Zeros are a run of their own. */
function runsOf(chunks: readonly Chunk[]): readonly (readonly Chunk[])[] {
  const runs: Chunk[][] = [];
  let before: Chunk | null = null;
  for (const chunk of chunks) {
    const isNext = before !== null && !before.isZeros && !chunk.isZeros && chunk.start === before.end;
    if (isNext) runs.at(-1)?.push(chunk);
    else runs.push([chunk]);
    before = chunk;
  }
  return runs;
}

function* zeros(size: number): Generator<Uint8Array> {
  for (let left = size; left > 0; left -= ZEROS.length) yield ZEROS.subarray(0, left);
}
