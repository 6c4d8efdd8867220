import {WinchError} from '../../errors.ts';
import {digestAlgorithm, digestOf} from '../../oci/digest.ts';
import {type BlobParts, readPart} from './blob-parts.ts';
import type {Chunk} from './toc.ts';
import {type ChunkCompression, unpackPrefix} from './unpack-prefix.ts';

/** The content of a chunk; null for anything else than its digest says. */
export async function unpackChunk(
  packed: Buffer,
  {skipped, size, digest}: Chunk,
  compression: ChunkCompression,
): Promise<Buffer | null> {
  const unpacked = await unpackPrefix(packed, {compression, bytes: skipped + size});
  const content = unpacked?.subarray(skipped) ?? null;
  return content && digestOf(content, digestAlgorithm(digest)) === digest ? content : null;
}

/** Fetches a chunk that was wrong once. @throws {WinchError} `DIGEST_MISMATCH` | as the blob */
export async function fetchChunkAgain(parts: BlobParts, chunk: Chunk, compression: ChunkCompression): Promise<Buffer> {
  const {start, end, digest} = chunk;
  const content = await unpackChunk(await readPart(parts, {start, end, isAgain: true}), chunk, compression);
  if (content) return content;
  throw new WinchError(
    'DIGEST_MISMATCH',
    `its bytes ${start} to ${end} do not unpack to ${digest}, after 2 downloads`,
    {
      kind: 'refused',
      hint: 'the registry serves wrong data, or the image was built wrong; none of these bytes were used',
      details: {chunk: digest},
    },
  );
}
