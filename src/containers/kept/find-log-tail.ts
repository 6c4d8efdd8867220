import type {FileHandle} from 'node:fs/promises';
import {endsLine, TAG_OFFSET} from './log-records.ts';

const PIECE_BYTES = 64 * 1024;
const NEWLINE = 10;

/** Where the last lines of a log begin, found from its end, however long it is. */
export async function findLogTail(file: FileHandle, lines: number): Promise<number> {
  const {size} = await file.stat();
  if (lines === 0) return size;
  const readTag = async (record: number) => {
    const {buffer, bytesRead} = await file.read(Buffer.alloc(1), 0, 1, record + TAG_OFFSET);
    return bytesRead === 1 && endsLine(buffer[0] ?? 0);
  };
  let [found, next] = [0, size];
  for await (const record of recordsFromEnd(file, size)) {
    // The last record counts even when its line is still to be ended.
    if (next === size || (await readTag(record))) found += 1;
    if (found > lines) return next;
    next = record;
  }
  return next;
}

/** Where each record begins, the last one first. */
async function* recordsFromEnd(file: FileHandle, size: number): AsyncGenerator<number> {
  const buffer = Buffer.alloc(PIECE_BYTES);
  for (let end = size - 1; end > 0; ) {
    const start = Math.max(0, end - PIECE_BYTES);
    const {bytesRead} = await file.read(buffer, 0, end - start, start);
    const piece = buffer.subarray(0, bytesRead);
    for (let at = piece.lastIndexOf(NEWLINE); at >= 0; at = at === 0 ? -1 : piece.lastIndexOf(NEWLINE, at - 1)) {
      yield start + at + 1;
    }
    end = start;
  }
  if (size > 0) yield 0;
}
