import {createHash} from 'node:crypto';
import type {Digest} from '../../src/oci/digest.ts';
import type {BlobSource} from '../../src/registry/uploads.ts';

export interface TestBlob {
  readonly bytes: Buffer;
  readonly digest: Digest;
  readonly size: number;
  readonly source: BlobSource;
  /** Where the source was opened. */
  readonly opened: readonly number[];
}

/** A blob in memory that is read in pieces of an odd size. */
export function makeBlob(bytes: Buffer, pieceBytes = 100_003): TestBlob {
  const opened: number[] = [];
  const source: BlobSource = {
    async *open(offset) {
      opened.push(offset);
      for (let at = offset; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
    },
  };
  const digest: Digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  return {bytes, digest, size: bytes.length, source, opened};
}

/** So many bytes of which no megabyte is like another. */
export function makeBytes(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at += 4096) bytes.writeUInt32BE(at + 1, at);
  return bytes;
}
