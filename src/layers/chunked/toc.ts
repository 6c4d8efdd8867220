import {isArray, isPlainObject} from '@sindresorhus/is';
import {type Digest, parseDigest} from '../../oci/digest.ts';
import type {JsonObject} from '../../oci/strict-json.ts';
import {TAR_BLOCK_BYTES} from '../tar-header.ts';
import {createTreeBuilder, type LayerTree} from '../tree.ts';
import {invalidToc, numberOf, readTarEntry, textOf} from './toc-entry.ts';

/** A piece of a file's content that can be fetched and verified alone. */
export interface Chunk {
  /** Where in the blob its packed bytes begin. */
  readonly start: number;
  /** Before where they end, at the latest. */
  readonly end: number;
  /** How many unpacked bytes come before it in what is packed there. */
  readonly skipped: number;
  /** Unpacked. */
  readonly size: number;
  readonly digest: Digest;
  /** Whether it is nothing but zeros, which need not be fetched. */
  readonly isZeros: boolean;
}

/** What a table of contents says of a layer. */
export interface Toc {
  readonly tree: LayerTree;
  /**
   * The content of a file with this number; null for one that cannot be had in pieces that are small and verified.
   *
   * @throws {WinchError} `LAYER_TOC_INVALID`
   */
  chunksOf(number: number): readonly Chunk[] | null;
  /** The content of all files that have any, as {@link chunksOf} has it, by the offset that it was placed at. */
  contents(): Iterable<PlacedContent>;
}

export interface PlacedContent {
  readonly offset: number;
  readonly chunks: readonly Chunk[] | null;
}

/** Where the content of a file goes, in bytes from the start of the tar. @param number of its entry */
export type PlaceContent = (number: number, size: number) => number;

const VERSION = 1;
/** A layer of more entries is fetched whole. */
const ENTRY_LIMIT = 500_000;
/** Objects and arrays, of which an entry has two at most: a table of others would take gigabytes of memory. */
const OPENING_LIMIT = 3 * ENTRY_LIMIT;
const OPENINGS = Object.freeze([0x7b, 0x5b]);
/** A chunk is in memory, packed and unpacked; common tools make them of 4 MiB at most. */
const CHUNK_LIMIT_BYTES = 32 * 1024 * 1024;

/**
 * Reads a table of contents, of eStargz or of zstd:chunked, which say the same in the same words. Its entries become a
 * tree by the rules that hold for the entries of a tar.
 *
 * @param payloadBytes What of the blob may hold content.
 * @param place Absent: content number N lies at block N.
 * @returns null for one with more entries than the limit, or with more in it than they can have
 * @throws {WinchError} `LAYER_TOC_INVALID` | as `createTreeBuilder`
 * @see stargz-snapshotter docs/estargz.md#toc-and-tocentries
 */
export function readToc(bytes: Buffer, payloadBytes: number, place: PlaceContent = placeByNumber): Toc | null {
  if (!OPENINGS.every((opening) => hasAtMost(bytes, opening, OPENING_LIMIT))) return null;
  const lines = linesOf(bytes);
  if (lines.length > ENTRY_LIMIT) return null;
  let starts: Float64Array | null = null;
  const builder = createTreeBuilder();
  for (const [number, line] of lines.entries()) {
    if (!isChunk(line)) builder.add(readTarEntry(line, place(number, hasContent(line) ? numberOf(line, 'size') : 0)));
    else if (!hasContent(lines[number - 1])) throw invalidToc('has a part of no file');
  }
  const chunksOf = (number: number) => {
    let behind = number + 1;
    while (behind < lines.length && isChunk(lines[behind] ?? {})) behind += 1;
    starts ??= startsOf(lines, payloadBytes);
    return readChunks(lines.slice(number, behind), starts);
  };
  const contents = function* () {
    for (const [number, line] of lines.entries()) {
      if (!isChunk(line) && hasContent(line)) {
        yield {offset: place(number, numberOf(line, 'size')), chunks: chunksOf(number)};
      }
    }
  };
  return {tree: builder.finish(), chunksOf, contents};
}

const placeByNumber: PlaceContent = (number) => number * TAR_BLOCK_BYTES;

function hasAtMost(bytes: Buffer, letter: number, limit: number): boolean {
  let count = 0;
  for (let at = bytes.indexOf(letter); at >= 0; at = bytes.indexOf(letter, at + 1)) {
    count += 1;
    if (count > limit) return false;
  }
  return true;
}

function linesOf(bytes: Buffer): readonly JsonObject[] {
  const document = parse(bytes);
  if (!isPlainObject(document)) throw invalidToc('is no object');
  if (document.version !== VERSION) throw invalidToc('has another version than 1');
  if (isArray(document.entries, isLine)) return document.entries;
  throw invalidToc('has no entries, or one that is no object');
}

/** As cheap as it can be: there are 10^5 of them. */
const isLine = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch (cause) {
    throw invalidToc('is no JSON', cause);
  }
}

const isChunk = (line: JsonObject): boolean => line.type === 'chunk';

const hasContent = (line: JsonObject | undefined): boolean =>
  line !== undefined && (isChunk(line) || (line.type === 'reg' && numberOf(line, 'size') > 0));

/** Where packed content begins, in order; the end of all of it comes last. */
function startsOf(lines: readonly JsonObject[], payloadBytes: number): Float64Array {
  const starts = new Set<number>();
  for (const line of lines) {
    if (!hasContent(line)) continue;
    const start = numberOf(line, 'offset');
    if (start >= payloadBytes) throw invalidToc(`places ${textOf(line, 'name').slice(0, 120)} outside the layer`);
    starts.add(start);
  }
  return Float64Array.from([...starts, payloadBytes]).sort();
}

/** The chunks of one file, whose own line comes first. */
function readChunks(lines: readonly JsonObject[], starts: Float64Array): readonly Chunk[] | null {
  const size = numberOf(lines[0] ?? {}, 'size');
  const chunks: Chunk[] = [];
  let position = 0;
  let isUsable = true;
  for (const line of lines) {
    if (numberOf(line, 'chunkOffset') !== position) throw badChunks(lines);
    const chunkBytes = numberOf(line, 'chunkSize') || size - position;
    position += chunkBytes;
    if (chunkBytes === 0 || position > size) throw badChunks(lines);
    const chunk = readChunk(line, {size: chunkBytes, isAlone: lines.length === 1, starts});
    isUsable &&= chunk !== null && isSmall(chunk);
    if (chunk) chunks.push(chunk);
  }
  if (position !== size) throw badChunks(lines);
  return isUsable ? chunks : null;
}

const isSmall = ({start, end, skipped, size, isZeros}: Chunk): boolean =>
  isZeros || (end - start <= CHUNK_LIMIT_BYTES && skipped + size <= CHUNK_LIMIT_BYTES);

interface ChunkFacts {
  readonly size: number;
  /** Whether it is the whole file, so that the file's digest is its own. */
  readonly isAlone: boolean;
  readonly starts: Float64Array;
}

/** Null for one without a digest. */
function readChunk(line: JsonObject, {size, isAlone, starts}: ChunkFacts): Chunk | null {
  const digest = textOf(line, 'chunkDigest') || (isAlone ? textOf(line, 'digest') : '');
  if (digest === '') return null;
  const start = numberOf(line, 'offset');
  const next = endOf(start, starts);
  const end = isAlone ? Math.min(numberOf(line, 'endOffset') || next, next) : next;
  if (end <= start) throw invalidToc('has a file that ends before it begins');
  return {
    start,
    end,
    skipped: numberOf(line, 'innerOffset'),
    size,
    digest: parseDigest(digest, 'table of contents'),
    isZeros: textOf(line, 'chunkType') === 'zeros',
  };
}

/** Where the next content begins. */
function endOf(start: number, starts: Float64Array): number {
  let [low, high] = [0, starts.length - 1];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((starts[middle] ?? 0) > start) high = middle;
    else low = middle + 1;
  }
  return starts[low] ?? 0;
}

const badChunks = (lines: readonly JsonObject[]) =>
  invalidToc(`cuts ${JSON.stringify(lines[0]?.name)?.slice(0, 120)} into parts that are not the whole file`);
