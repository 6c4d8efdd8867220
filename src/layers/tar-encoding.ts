import type {ByteString} from './byte-string.ts';
import {TAR_BLOCK_BYTES} from './tar-header.ts';

/** What a header of a new tar says; numbers of any size, names of any length. */
export interface TarHeaderFields {
  readonly path: ByteString;
  readonly type: keyof typeof FLAGS;
  readonly permissions: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Bytes of content that follow. */
  readonly size?: number;
  readonly mtimeSeconds?: number;
  readonly mtimeNanoseconds?: number;
  readonly linkPath?: ByteString;
  readonly deviceMajor?: number;
  readonly deviceMinor?: number;
  readonly xattrs?: ReadonlyMap<ByteString, ByteString> | null;
}

const FLAGS = Object.freeze({
  file: '0',
  hardlink: '1',
  symlink: '2',
  character: '3',
  block: '4',
  directory: '5',
  fifo: '6',
  extension: 'x',
});
const NAME_BYTES = 100;
const NANOSECOND_DIGITS = 9;
const CHECKSUM = Object.freeze({start: 148, end: 156});
const NUMBER_FIELDS = Object.freeze({
  permissions: {at: 100, digits: 7},
  uid: {at: 108, digits: 7},
  gid: {at: 116, digits: 7},
  size: {at: 124, digits: 11},
  mtimeSeconds: {at: 136, digits: 11},
  deviceMajor: {at: 329, digits: 7},
  deviceMinor: {at: 337, digits: 7},
});

/**
 * The header blocks of an entry: ustar, with a PAX header before it for what ustar cannot say.
 *
 * @see IEEE Std 1003.1 pax#pax_archive_format
 */
export function encodeTarHeader(fields: TarHeaderFields): Buffer {
  const records = paxRecords(fields);
  const plain = ustarHeader(fields);
  if (records.length === 0) return plain;
  const extension = Buffer.concat(records);
  const header = ustarHeader({path: 'PaxHeaders/entry', type: 'extension', permissions: 0o644, size: extension.length});
  return Buffer.concat([header, extension, tarPadding(extension.length), plain]);
}

/** What follows content of so many bytes. */
export const tarPadding = (bytes: number): Buffer =>
  Buffer.alloc((TAR_BLOCK_BYTES - (bytes % TAR_BLOCK_BYTES)) % TAR_BLOCK_BYTES);

function paxRecords(fields: TarHeaderFields): readonly Buffer[] {
  const {path, linkPath = '', mtimeSeconds = 0, mtimeNanoseconds = 0, xattrs} = fields;
  const fraction = String(mtimeNanoseconds).padStart(NANOSECOND_DIGITS, '0');
  const isLargeTime = !fits(mtimeSeconds, NUMBER_FIELDS.mtimeSeconds.digits);
  const numbers = (['uid', 'gid', 'size'] as const).flatMap((key) => {
    const value = fields[key] ?? 0;
    return fits(value, NUMBER_FIELDS[key].digits) ? [] : [paxRecord(key, String(value))];
  });
  return [
    ...(path.length > NAME_BYTES ? [paxRecord('path', path)] : []),
    ...(linkPath.length > NAME_BYTES ? [paxRecord('linkpath', linkPath)] : []),
    ...numbers,
    ...(mtimeNanoseconds > 0 || isLargeTime ? [paxRecord('mtime', `${mtimeSeconds}.${fraction}`)] : []),
    ...[...(xattrs ?? [])].map(([name, value]) => paxRecord(`SCHILY.xattr.${name}`, value)),
  ];
}

/** `length key=value\n`, its length counting itself. */
function paxRecord(key: ByteString, value: ByteString): Buffer {
  const body = ` ${key}=${value}\n`;
  let length = body.length + 1;
  while (String(length).length + body.length !== length) length = String(length).length + body.length;
  return Buffer.from(`${length}${body}`, 'latin1');
}

function ustarHeader(fields: TarHeaderFields): Buffer {
  const header = Buffer.alloc(TAR_BLOCK_BYTES);
  header.write(fields.path.slice(0, NAME_BYTES), 0, 'latin1');
  for (const [key, {at, digits}] of Object.entries(NUMBER_FIELDS)) {
    const value = fields[key as keyof typeof NUMBER_FIELDS] ?? 0;
    header.write(octal(fits(value, digits) ? value : 0, digits), at, 'latin1');
  }
  header.write(FLAGS[fields.type], 156, 'latin1');
  header.write((fields.linkPath ?? '').slice(0, NAME_BYTES), 157, 'latin1');
  header.write('ustar\u000000', 257, 'latin1');
  header.fill(' ', CHECKSUM.start, CHECKSUM.end);
  let sum = 0;
  for (const byte of header) sum += byte;
  header.write(`${octal(sum, 6)}\0 `, CHECKSUM.start, 'latin1');
  return header;
}

const fits = (value: number, digits: number): boolean => value < 8 ** digits;

const octal = (value: number, digits: number): string => value.toString(8).padStart(digits, '0');
