import type {DirectoryMarks} from '../../host/restore-directories.ts';
import type {Digest} from '../../oci/digest.ts';
import {markDirectories} from '../directory-marks.ts';
import {alignUp, HEAD_BYTES} from '../erofs-format.ts';
import {encodeErofsIndex} from '../erofs-index.ts';
import {layOutErofs} from '../erofs-layout.ts';
import {encodeLayerHead} from '../layer-head.ts';
import type {BlobParts} from './blob-parts.ts';
import type {ChunkedFormat} from './chunked-format.ts';
import {fetchToc} from './fetch-toc.ts';
import {type Chunk, type PlaceContent, readToc, type Toc} from './toc.ts';
import type {ChunkCompression} from './unpack-prefix.ts';

/** A chunk, and where it goes in the file. */
export interface PlacedChunk extends Chunk {
  /** Bytes from the start of the file. */
  readonly position: number;
}

/**
 * A layer file that can be mounted before the content of its files is there: head and index as a layer file has them, and
 * the files in the order of their table instead of a tar, each at a multiple of 4 KiB.
 */
export interface VirtualLayer {
  readonly fileBytes: number;
  /** Names of lower layers that it hides one by one. */
  readonly whiteouts: number;
  readonly directories: DirectoryMarks;
  /** All content, in the order of positions. They do not overlap. */
  readonly chunks: readonly PlacedChunk[];
  readonly compression: ChunkCompression;
  readonly parts: BlobParts;
  /** What is there at once: the head and the index, to be walked once. */
  pieces(): Iterable<VirtualPiece>;
}

export interface VirtualPiece {
  readonly position: number;
  readonly bytes: Buffer;
}

export interface VirtualLayerSource {
  readonly parts: BlobParts;
  readonly format: ChunkedFormat;
  readonly diffId: Digest;
}

const PAGE_BYTES = 4096;
/** EROFS counts blocks of 512 bytes in 32 bits; as much is left for the index. */
const CONTENT_LIMIT_BYTES = 2 ** 40;

/**
 * Makes a layer file of a layer's table of contents. A page of it holds content of one file, so that no file is fetched
 * for another.
 *
 * @returns null for a layer that has to be fetched whole: one of its files cannot be had in small verified pieces, it has
 * no table, or it is too large for one
 * @throws {WinchError} `DIGEST_MISMATCH` | `LAYER_TOC_INVALID` | `TAR_PATH` … as for a tar | as the blob
 */
export async function openVirtualLayer({parts, format, diffId}: VirtualLayerSource): Promise<VirtualLayer | null> {
  const fetched = await fetchToc(parts, format);
  const {place, end} = createPlaces();
  const toc = fetched && readToc(fetched.document, fetched.payloadBytes, place);
  const chunks = toc && end() <= CONTENT_LIMIT_BYTES ? placeChunks(toc) : null;
  if (toc === null || chunks === null) return null;
  const layout = layOutErofs(toc.tree, end());
  return {
    fileBytes: layout.end,
    whiteouts: layout.whiteouts,
    directories: markDirectories(layout),
    chunks,
    compression: format.name === 'estargz' ? 'gzip' : 'zstd',
    parts,
    pieces: function* () {
      yield {position: 0, bytes: encodeLayerHead(layout, diffId)};
      let position = layout.start;
      for (const bytes of encodeErofsIndex(layout)) {
        yield {position, bytes};
        position += bytes.length;
      }
    },
  };
}

interface Places {
  readonly place: PlaceContent;
  /** Of all content, bytes from the start of the tar. */
  end(): number;
}

function createPlaces(): Places {
  const offsets = new Map<number, number>();
  let end = 0;
  return {
    place: (number, size) => {
      const known = offsets.get(number);
      // What is too large is refused once it is known how large it is.
      if (known !== undefined || size === 0 || end > CONTENT_LIMIT_BYTES) return known ?? 0;
      const offset = end;
      offsets.set(number, offset);
      end += alignUp(size, PAGE_BYTES);
      return offset;
    },
    end: () => end,
  };
}

/** Null: some content cannot be had in pieces. */
function placeChunks(toc: Toc): readonly PlacedChunk[] | null {
  const placed: PlacedChunk[] = [];
  for (const {offset, chunks} of toc.contents()) {
    if (chunks === null) return null;
    let position = HEAD_BYTES + offset;
    for (const chunk of chunks) {
      placed.push({...chunk, position});
      position += chunk.size;
    }
  }
  return placed;
}
