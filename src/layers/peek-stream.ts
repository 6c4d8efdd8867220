export interface PeekedStream {
  /** The first bytes, as many as were asked for unless there are fewer; maybe more. */
  readonly head: Buffer;
  /** All of it, from the start. To be read to its end or left with `return`, which releases the source. */
  readonly whole: AsyncIterable<Buffer>;
  /** Releases the source of which `whole` is not read. */
  release(): Promise<void>;
}

/** Looks at the first bytes of a stream. What the source throws meanwhile is thrown, and the source released. */
export async function peekStream(source: AsyncIterable<Uint8Array>, bytes: number): Promise<PeekedStream> {
  const iterator = source[Symbol.asyncIterator]();
  const release = async () => {
    await iterator.return?.();
  };
  let head: Buffer = Buffer.alloc(0);
  try {
    while (head.length < bytes) {
      const next = await iterator.next();
      if (next.done) break;
      head = head.length === 0 ? asBuffer(next.value) : Buffer.concat([head, next.value]);
    }
  } catch (error) {
    await release();
    throw error;
  }
  return {head, whole: replay(head, iterator), release};
}

async function* replay(head: Buffer, iterator: AsyncIterator<Uint8Array>): AsyncGenerator<Buffer> {
  try {
    yield head;
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield asBuffer(next.value);
  } finally {
    await iterator.return?.();
  }
}

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
