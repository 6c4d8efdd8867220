import {readFileSync} from 'node:fs';
import {hasErrno} from '../errors.ts';
import {storageError} from '../host/storage-error.ts';

/** SQLite's own default, which the store's databases have. */
const PAGE_BYTES = 4096;
const INDEX_LEAF = 0x0a;
const INDEX_INTERIOR = 0x02;
const HEADER_BYTES = {[INDEX_LEAF]: 8, [INDEX_INTERIOR]: 12} as const;
const CHILD_BYTES = 4;
/** https://sqlite.org/fileformat2.html#b_tree_pages: of a payload in an index. */
const LARGEST_LOCAL = Math.floor(((PAGE_BYTES - 12) * 64) / 255) - 23;
const SMALLEST_LOCAL = Math.floor(((PAGE_BYTES - 12) * 32) / 255) - 23;
const OVERFLOW_BYTES = PAGE_BYTES - 4;
const WAL_HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
/** Of a varint. */
const LONGEST_VARINT = 9;
const LONGEST_PAYLOAD = 16 * 1024 * 1024;

export type SalvagedValue = string | number | null;

/**
 * The rows that can still be read in the pages of a damaged database and its write-ahead log, of every table without
 * row ids: what leads to a page, and the schema, may be gone. Rows that were deleted may be among them, and rows of which
 * a bit has flipped.
 *
 * @see https://sqlite.org/fileformat2.html
 */
export function* salvageRecords(path: string): Generator<readonly SalvagedValue[]> {
  const pages = readPages(path);
  for (const page of pages.values()) {
    const type = page[0];
    if (type !== INDEX_LEAF && type !== INDEX_INTERIOR) continue;
    const cells = page.readUInt16BE(3);
    for (let cell = 0; cell < cells; cell++) {
      const pointer = HEADER_BYTES[type] + 2 * cell;
      if (pointer + 2 > PAGE_BYTES) break;
      const start = page.readUInt16BE(pointer) + (type === INDEX_INTERIOR ? CHILD_BYTES : 0);
      const payload = readPayload(pages, page, start);
      const record = payload && decodeRecord(payload);
      if (record) yield record;
    }
  }
}

type Pages = ReadonlyMap<number, Buffer>;

/** By number, from 1; those of the last transaction that was finished in the log. */
function readPages(path: string): Pages {
  const bytes = readIfThere(path);
  const pages = new Map<number, Buffer>();
  for (let at = 0; at + PAGE_BYTES <= bytes.length; at += PAGE_BYTES) {
    pages.set(at / PAGE_BYTES + 1, bytes.subarray(at, at + PAGE_BYTES));
  }
  const log = readIfThere(`${path}-wal`);
  let written: [number, Buffer][] = [];
  for (let at = WAL_HEADER_BYTES; at + FRAME_HEADER_BYTES + PAGE_BYTES <= log.length; ) {
    const data = at + FRAME_HEADER_BYTES;
    // Frames of an earlier log, which this one has not overwritten yet, have other salts.
    if (log.compare(log, 16, 24, at + 8, at + 16) !== 0) break;
    written.push([log.readUInt32BE(at), log.subarray(data, data + PAGE_BYTES)]);
    if (log.readUInt32BE(at + 4) !== 0) {
      for (const [number, page] of written) pages.set(number, page);
      written = [];
    }
    at = data + PAGE_BYTES;
  }
  return pages;
}

function readIfThere(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return Buffer.alloc(0);
    throw storageError(error, path);
  }
}

/** Null: it is none. */
function readPayload(pages: Pages, page: Buffer, start: number): Buffer | null {
  const length = readVarint(page, start);
  if (length === null || length.value > LONGEST_PAYLOAD) return null;
  const {value: total, end} = length;
  const surplus = SMALLEST_LOCAL + ((total - SMALLEST_LOCAL) % OVERFLOW_BYTES);
  const local = total <= LARGEST_LOCAL ? total : surplus <= LARGEST_LOCAL ? surplus : SMALLEST_LOCAL;
  if (end + local > PAGE_BYTES) return null;
  const parts = [page.subarray(end, end + local)];
  if (local === total) return parts[0] ?? null;
  if (end + local + 4 > PAGE_BYTES) return null;
  let next = page.readUInt32BE(end + local);
  for (let missing = total - local; missing > 0; missing -= OVERFLOW_BYTES) {
    const overflow = pages.get(next);
    if (!overflow) return null;
    parts.push(overflow.subarray(4, 4 + Math.min(missing, OVERFLOW_BYTES)));
    next = overflow.readUInt32BE(0);
  }
  return Buffer.concat(parts);
}

/** Null: it is none. https://sqlite.org/fileformat2.html#record_format */
function decodeRecord(payload: Buffer): readonly SalvagedValue[] | null {
  const header = readVarint(payload, 0);
  if (header === null || header.value > payload.length) return null;
  const values: SalvagedValue[] = [];
  let body = header.value;
  for (let at = header.end; at < header.value; ) {
    const type = readVarint(payload, at);
    const bytes = type && valueBytes(type.value);
    if (type === null || bytes === null || body + bytes > payload.length) return null;
    values.push(decodeValue(type.value, payload.subarray(body, body + bytes)));
    body += bytes;
    at = type.end;
  }
  return values;
}

const INTEGER_BYTES: readonly number[] = [0, 1, 2, 3, 4, 6, 8];
const [ZERO, ONE, FIRST_BLOB] = [8, 9, 12];

/** Null: no value of the store's tables has such a type. */
function valueBytes(type: number): number | null {
  if (type >= FIRST_BLOB) return Math.floor((type - FIRST_BLOB) / 2);
  return type === ZERO || type === ONE ? 0 : (INTEGER_BYTES[type] ?? null);
}

function decodeValue(type: number, bytes: Buffer): SalvagedValue {
  if (type === 0) return null;
  if (type >= FIRST_BLOB) return bytes.toString('utf8');
  if (type === ZERO || type === ONE) return type - ZERO;
  return bytes.length === 8 ? Number(bytes.readBigInt64BE()) : bytes.readIntBE(0, bytes.length);
}

function readVarint(bytes: Buffer, start: number): {readonly value: number; readonly end: number} | null {
  let value = 0;
  for (let at = start; at < Math.min(start + LONGEST_VARINT - 1, bytes.length); at++) {
    const byte = bytes[at] ?? 0;
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80) return {value, end: at + 1};
  }
  return null;
}
