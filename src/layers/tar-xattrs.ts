import type {ByteString} from './byte-string.ts';
import type {PaxRecords} from './pax.ts';
import {entryRefusal} from './refusal.ts';

const RECORD_PREFIX = 'SCHILY.xattr.';
/** Linux: XATTR_NAME_MAX. */
const NAME_LIMIT_BYTES = 255;
/** One less than Linux' XATTR_SIZE_MAX: EROFS stores the size in 16 bits. */
const VALUE_LIMIT_BYTES = 65_535;
/** Of one entry, names and values: what a 16-bit count of 4-byte words holds, with room for padding. */
const TOTAL_LIMIT_BYTES = 192 * 1024;
const OVERHEAD_BYTES = 8;

/**
 * The extended attributes among the records, by full name; null for none.
 *
 * @throws {WinchError} `TAR_LIMIT`
 */
export function collectXattrs(records: PaxRecords, path: ByteString): ReadonlyMap<ByteString, ByteString> | null {
  let xattrs: Map<ByteString, ByteString> | null = null;
  let totalBytes = 0;
  for (const [key, value] of records) {
    if (!key.startsWith(RECORD_PREFIX)) continue;
    const name = key.slice(RECORD_PREFIX.length);
    totalBytes += name.length + value.length + OVERHEAD_BYTES;
    if (name.length > NAME_LIMIT_BYTES || value.length > VALUE_LIMIT_BYTES || totalBytes > TOTAL_LIMIT_BYTES) {
      throw entryRefusal('TAR_LIMIT', path, 'has extended attributes that are too long (64 KiB each, 192 KiB in all)');
    }
    xattrs ??= new Map();
    xattrs.set(name, value);
  }
  return xattrs;
}
