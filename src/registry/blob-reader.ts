import {WinchError} from '../errors.ts';
import type {BlobSource} from './uploads.ts';

export interface BlobReader {
  /**
   * The bytes from `offset` on, `length` of them. Reading on where the last call ended continues the open source, so one
   * that is a download is not asked anew for every piece of an upload.
   *
   * @throws {WinchError} `SIZE_MISMATCH`: the source ends before; whatever the source throws.
   */
  read(offset: number, length: number): AsyncGenerator<Uint8Array>;
  /** What reading threw; an upload that fails by it cannot be repeated. */
  readonly failure: {readonly error: unknown} | null;
  close(): Promise<void>;
}

interface Cursor {
  readonly chunks: AsyncIterator<Uint8Array>;
  position: number;
  /** What was read beyond the position. */
  ahead: Uint8Array;
}

/** Reads a source piece by piece, from one place at a time. */
export function openBlobReader(source: BlobSource, signal: AbortSignal | undefined): BlobReader {
  let cursor: Cursor | null = null;
  let failure: {readonly error: unknown} | null = null;
  const close = async () => {
    const open = cursor;
    cursor = null;
    await open?.chunks.return?.();
  };
  const seek = async (offset: number): Promise<Cursor> => {
    if (cursor?.position === offset) return cursor;
    await close();
    const chunks = source.open(offset, {signal})[Symbol.asyncIterator]();
    cursor = {chunks, position: offset, ahead: new Uint8Array(0)};
    return cursor;
  };
  async function* read(offset: number, length: number): AsyncGenerator<Uint8Array> {
    const end = offset + length;
    try {
      const here = await seek(offset);
      while (here.position < end) yield await readPiece(here, end - here.position);
    } catch (error) {
      failure = {error};
      throw error;
    }
  }
  return {
    read,
    get failure() {
      return failure;
    },
    close,
  };
}

async function readPiece(cursor: Cursor, wanted: number): Promise<Uint8Array> {
  while (cursor.ahead.length === 0) {
    const {done, value} = await cursor.chunks.next();
    if (done) throw endsEarly(cursor.position, wanted);
    cursor.ahead = value;
  }
  const piece = cursor.ahead.subarray(0, wanted);
  cursor.ahead = cursor.ahead.subarray(piece.length);
  cursor.position += piece.length;
  return piece;
}

function endsEarly(position: number, missing: number): WinchError {
  return new WinchError('SIZE_MISMATCH', `the blob to upload ends at byte ${position}, ${missing} bytes too early`, {
    kind: 'refused',
    hint: 'what it is read from is damaged; nothing was stored',
    details: {position, missing},
  });
}
