import {promisify} from 'node:util';
import {zstdDecompress} from 'node:zlib';
import {WinchError} from '../../errors.ts';
import {type Digest, digestAlgorithm, digestOf} from '../../oci/digest.ts';
import {type BlobParts, readPart} from './blob-parts.ts';
import type {ChunkedFormat} from './chunked-format.ts';
import {ESTARGZ_FOOTER_BYTES, findEstargzToc, unpackEstargzToc} from './estargz-toc.ts';
import {invalidToc} from './toc-entry.ts';

/** A table of contents, verified. */
export interface FetchedToc {
  readonly document: Buffer;
  /** What of the blob comes before it. */
  readonly payloadBytes: number;
}

/** Packed or not; a layer with a larger one is fetched whole. That of 84 000 files has 39 MB. */
export const TOC_LIMIT_BYTES = 64 * 1024 * 1024;
/** What is read with the footer: a small table comes with it. */
const TAIL_BYTES = 16 * 1024;

/**
 * Fetches the table of contents of a layer, once more where its digest is another one than its descriptor promises.
 *
 * @returns null for a layer that has none, or too large a one
 * @throws {WinchError} `DIGEST_MISMATCH` | `LAYER_TOC_INVALID` | as the blob
 */
export async function fetchToc(parts: BlobParts, format: ChunkedFormat): Promise<FetchedToc | null> {
  const fetch = (isAgain: boolean) =>
    format.name === 'estargz' ? fetchEstargzToc(parts, format, isAgain) : fetchZstdToc(parts, format, isAgain);
  const first = await fetch(false);
  const found = first === 'wrong' ? await fetch(true) : first;
  if (found !== 'wrong') return found;
  const {tocDigest} = format;
  throw new WinchError('DIGEST_MISMATCH', `its table of contents does not match ${tocDigest}, after 2 downloads`, {
    kind: 'refused',
    hint: 'the registry serves wrong data, or the image was built wrong; nothing of the layer was used',
    details: {toc: tocDigest},
  });
}

type Fetched = FetchedToc | 'wrong' | null;
type FormatOf<Name> = ChunkedFormat & {readonly name: Name};

/** Its digest is that of the document. */
async function fetchEstargzToc(parts: BlobParts, {tocDigest}: FormatOf<'estargz'>, isAgain: boolean): Promise<Fetched> {
  const end = parts.size - ESTARGZ_FOOTER_BYTES;
  if (end < 0) return null;
  const tailStart = Math.max(0, parts.size - TAIL_BYTES);
  const tail = await readPart(parts, {start: tailStart, end: parts.size, isAgain});
  const start = findEstargzToc(tail.subarray(end - tailStart));
  if (start === null || end - start > TOC_LIMIT_BYTES) return null;
  if (start >= end) throw invalidToc('begins behind its end');
  const before = start < tailStart ? await readPart(parts, {start, end: tailStart, isAgain}) : Buffer.alloc(0);
  const packed = Buffer.concat([before, tail.subarray(Math.max(0, start - tailStart), end - tailStart)]);
  const document = await unpackEstargzToc(packed, TOC_LIMIT_BYTES);
  if (document === 'large') return null;
  return document !== 'damaged' && isOf(document, tocDigest) ? {document, payloadBytes: start} : 'wrong';
}

/** Its digest is that of what is packed. */
async function fetchZstdToc(
  parts: BlobParts,
  {tocDigest, tocStart, tocBytes, unpackedTocBytes}: FormatOf<'zstd:chunked'>,
  isAgain: boolean,
): Promise<Fetched> {
  if (Math.max(tocBytes, unpackedTocBytes) > TOC_LIMIT_BYTES) return null;
  const packed = await readPart(parts, {start: tocStart, end: tocStart + tocBytes, isAgain});
  if (!isOf(packed, tocDigest)) return 'wrong';
  try {
    const document = await promisify(zstdDecompress)(packed, {maxOutputLength: Math.max(1, unpackedTocBytes)});
    return {document, payloadBytes: tocStart};
  } catch (cause) {
    throw invalidToc('is not packed as its descriptor says', cause);
  }
}

const isOf = (bytes: Buffer, digest: Digest): boolean => digestOf(bytes, digestAlgorithm(digest)) === digest;
