/** A blob of which parts can be read. */
export interface BlobParts {
  /** Bytes. */
  readonly size: number;
  /** Reads exactly this part, or throws. */
  read(part: BlobPart): AsyncIterable<Uint8Array>;
}

export interface BlobPart {
  readonly start: number;
  /** Behind its last byte. */
  readonly end: number;
  /** Whether what was read before had another digest, so that others had better be asked. */
  readonly isAgain: boolean;
}

/** All of a part that is known to be small. */
export async function readPart(parts: BlobParts, part: BlobPart): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of parts.read(part)) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** Cuts a stream into parts of these lengths, which together are all of it. */
export async function* cutParts(stream: AsyncIterable<Uint8Array>, lengths: readonly number[]): AsyncGenerator<Buffer> {
  let ahead: Uint8Array[] = [];
  let aheadBytes = 0;
  let next = 0;
  for await (const piece of stream) {
    ahead.push(piece);
    aheadBytes += piece.length;
    if (aheadBytes < (lengths[next] ?? 0)) continue;
    const whole = Buffer.concat(ahead);
    let start = 0;
    for (let length = lengths[next]; length !== undefined && start + length <= aheadBytes; length = lengths[next]) {
      yield whole.subarray(start, start + length);
      start += length;
      next += 1;
    }
    ahead = [whole.subarray(start)];
    aheadBytes -= start;
  }
}
