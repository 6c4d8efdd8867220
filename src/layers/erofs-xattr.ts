import type {ByteString} from './byte-string.ts';
import {alignUp} from './erofs-format.ts';
import type {InodeId, InodeTable} from './inode-table.ts';

/** Extended attributes in the order in which they are written. */
export type StoredXattrs = readonly (readonly [name: ByteString, value: ByteString])[];

const HEADER_BYTES = 12;
const ENTRY_BYTES = 4;
const WORD_BYTES = 4;
/** EROFS stores a number for the first part of a name; the ACL names have no rest. */
const PREFIXES: readonly (readonly [prefix: string, index: number])[] = Object.freeze([
  ['user.', 1],
  ['system.posix_acl_access', 2],
  ['system.posix_acl_default', 3],
  ['trusted.', 4],
  ['security.', 6],
]);
/** What overlayfs looks for in a directory that hides those below. */
export const OPAQUE_NAME = 'trusted.overlay.opaque';
const OPAQUE = Object.freeze([OPAQUE_NAME, 'y'] as const);
const NONE: StoredXattrs = Object.freeze([]);

/** The attributes as they go to disk: the inode's own, and the mark of an opaque directory. */
export function storedXattrs({xattrs, opaque}: InodeTable, id: InodeId): StoredXattrs {
  const own = xattrs.get(id);
  const isOpaque = opaque.has(id);
  if (!own) return isOpaque ? [OPAQUE] : NONE;
  return isOpaque ? [OPAQUE, ...own] : [...own];
}

/** The space that they take behind the inode; 0 for none. */
export function xattrBytes(xattrs: StoredXattrs): number {
  let bytes = 0;
  for (const [name, value] of xattrs) {
    bytes += alignUp(ENTRY_BYTES + name.length - prefixOf(name)[0].length + value.length, WORD_BYTES);
  }
  return bytes === 0 ? 0 : HEADER_BYTES + bytes;
}

/** i_xattr_icount: the header counts as one, then 4-byte words. */
export const xattrCount = (bytes: number): number => (bytes === 0 ? 0 : (bytes - HEADER_BYTES) / WORD_BYTES + 1);

/** Writes them inline, behind an empty header; `bytes` is zeroed. */
export function encodeXattrs(bytes: Buffer, at: number, xattrs: StoredXattrs): void {
  let position = at + HEADER_BYTES;
  for (const [name, value] of xattrs) {
    const [prefix, index] = prefixOf(name);
    const rest = name.slice(prefix.length);
    bytes.writeUInt8(rest.length, position);
    bytes.writeUInt8(index, position + 1);
    bytes.writeUInt16LE(value.length, position + 2);
    bytes.write(rest + value, position + ENTRY_BYTES, 'latin1');
    position += alignUp(ENTRY_BYTES + rest.length + value.length, WORD_BYTES);
  }
}

/** The attributes that {@link encodeXattrs} wrote; null for none. What is cut off at the end is left out. */
export function decodeXattrs(bytes: Buffer): Map<ByteString, ByteString> | null {
  const xattrs = new Map<ByteString, ByteString>();
  for (let at = HEADER_BYTES; at + ENTRY_BYTES <= bytes.length; ) {
    const restEnd = at + ENTRY_BYTES + bytes.readUInt8(at);
    const end = restEnd + bytes.readUInt16LE(at + 2);
    const prefix = PREFIXES.find(([, index]) => index === bytes.readUInt8(at + 1))?.[0];
    if (prefix === undefined || end > bytes.length) break;
    xattrs.set(prefix + bytes.toString('latin1', at + ENTRY_BYTES, restEnd), bytes.toString('latin1', restEnd, end));
    at = alignUp(end, WORD_BYTES);
  }
  return xattrs.size === 0 ? null : xattrs;
}

function prefixOf(name: ByteString): readonly [prefix: string, index: number] {
  const found = PREFIXES.find(([prefix]) => name.startsWith(prefix));
  if (!found) throw new Error(`no EROFS number for the extended attribute ${name}`);
  return found;
}
