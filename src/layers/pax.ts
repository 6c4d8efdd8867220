import type {ByteString} from './byte-string.ts';
import {layerRefusal} from './refusal.ts';

/** The records of an extended header; of two with one key the later counts. */
export type PaxRecords = ReadonlyMap<ByteString, ByteString>;

export const NO_PAX_RECORDS: PaxRecords = new Map();

const SPACE = 0x20;
const EQUALS = 0x3d;
const NEWLINE = 0x0a;
const ZERO = 0x30;
const NINE = 0x39;
const LENGTH_DIGITS = 7;

/** Looks at a record, also at one that a later record of its key replaces: other readers stumble over it. */
export type RecordCheck = (key: ByteString, value: ByteString) => void;

/**
 * Parses records of the form `length key=value\n`, where the length counts the whole record.
 *
 * @throws {WinchError} what `check` throws, and `TAR_INVALID`: a malformed record. Skipping one would let two readers see two archives.
 * @see POSIX.1-2024 pax, "pax Extended Header"
 */
export function parsePaxRecords(bytes: Buffer, check: RecordCheck): PaxRecords {
  const records = new Map<ByteString, ByteString>();
  for (let start = 0; start < bytes.length; ) {
    const space = bytes.indexOf(SPACE, start);
    const end = start + recordLength(bytes, start, space);
    const equals = bytes.indexOf(EQUALS, space);
    if (end > bytes.length || bytes[end - 1] !== NEWLINE || equals <= space + 1 || equals >= end) throw malformed();
    const [key, value] = [bytes.toString('latin1', space + 1, equals), bytes.toString('latin1', equals + 1, end - 1)];
    check(key, value);
    records.set(key, value);
    start = end;
  }
  return records;
}

function recordLength(bytes: Buffer, start: number, space: number): number {
  if (space <= start || space > start + LENGTH_DIGITS) throw malformed();
  let length = 0;
  for (let at = start; at < space; at++) {
    const digit = bytes[at] ?? 0;
    if (digit < ZERO || digit > NINE) throw malformed();
    length = length * 10 + digit - ZERO;
  }
  return length;
}

const malformed = () => layerRefusal('TAR_INVALID', 'a PAX header of the layer has a malformed record');
