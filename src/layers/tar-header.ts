import type {ByteString} from './byte-string.ts';
import {entryRefusal, layerRefusal} from './refusal.ts';
import {parseTarNumber} from './tar-number.ts';

export const TAR_BLOCK_BYTES = 512;

/** The fields of one 512-byte header, before extended headers and limits. */
export interface TarHeader {
  readonly path: ByteString;
  readonly linkPath: ByteString;
  /** The type flag's character. */
  readonly flag: string;
  /** Its last 12 bits are right whatever it is. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970; may be negative. */
  readonly mtime: number;
  readonly size: number;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
}

interface Field {
  readonly name: string;
  readonly start: number;
  readonly length: number;
}

const NAME = Object.freeze({start: 0, length: 100});
const MODE: Field = Object.freeze({name: 'mode', start: 100, length: 8});
const UID: Field = Object.freeze({name: 'uid', start: 108, length: 8});
const GID: Field = Object.freeze({name: 'gid', start: 116, length: 8});
const SIZE: Field = Object.freeze({name: 'size', start: 124, length: 12});
const MTIME: Field = Object.freeze({name: 'mtime', start: 136, length: 12});
const CHECKSUM = Object.freeze({start: 148, length: 8});
const FLAG_AT = 156;
const LINK_NAME = Object.freeze({start: 157, length: 100});
const MAGIC = Object.freeze({start: 257, length: 6});
const DEVICE_MAJOR: Field = Object.freeze({name: 'device major', start: 329, length: 8});
const DEVICE_MINOR: Field = Object.freeze({name: 'device minor', start: 337, length: 8});
const PREFIX = Object.freeze({start: 345, length: 155});
/** GNU's own magic ends with a space: it has times where POSIX has the prefix. */
const POSIX_MAGIC = 'ustar\0';
const SPACE = 0x20;

/**
 * Reads the header at `at`: v7, ustar, GNU.
 *
 * Returns null for a block of zeros. Both checksums are accepted: of unsigned bytes (POSIX) and of signed ones, which
 * some old tars wrote.
 *
 * @throws {WinchError} `TAR_INVALID`: a wrong checksum or a field that is no number.
 */
export function decodeTarHeader(bytes: Buffer, at: number): TarHeader | null {
  const block = at === 0 && bytes.length === TAR_BLOCK_BYTES ? bytes : bytes.subarray(at, at + TAR_BLOCK_BYTES);
  if (!verifyChecksum(block)) return null;
  const path = fullPath(block);
  const flag = String.fromCharCode(block[FLAG_AT] ?? 0);
  const hasDevice = flag === '3' || flag === '4' || block.toString('latin1', MAGIC.start, MAGIC.start + 5) === 'ustar';
  return {
    path,
    linkPath: text(block, LINK_NAME),
    flag,
    mode: mode(block, path),
    uid: number(block, UID, path),
    gid: number(block, GID, path),
    mtime: number(block, MTIME, path),
    size: number(block, SIZE, path),
    // Tars from before POSIX leave other bytes there when the entry is no device.
    deviceMajor: hasDevice ? number(block, DEVICE_MAJOR, path) : 0,
    deviceMinor: hasDevice ? number(block, DEVICE_MINOR, path) : 0,
  };
}

/** False for a block of zeros, which has no checksum. */
function verifyChecksum(block: Buffer): boolean {
  const all = sumBytes(block, 0, TAR_BLOCK_BYTES);
  if (all === 0) return false;
  const end = CHECKSUM.start + CHECKSUM.length;
  const sum = all - sumBytes(block, CHECKSUM.start, end) + CHECKSUM.length * SPACE;
  const stored = parseTarNumber(block, CHECKSUM.start, CHECKSUM.length);
  if (stored === sum) return true;
  const highBytes = countHighBytes(block.subarray(0, CHECKSUM.start)) + countHighBytes(block.subarray(end));
  if (stored === sum - highBytes * 256) return true;
  throw layerRefusal('TAR_INVALID', 'the layer is no tar, or it is damaged: a header has a wrong checksum');
}

function sumBytes(block: Buffer, start: number, end: number): number {
  let sum = 0;
  for (let at = start; at < end; at++) sum += block[at] ?? 0;
  return sum;
}

/** Bytes that are negative where a byte has a sign. */
const countHighBytes = (bytes: Buffer): number => bytes.filter((byte) => byte > 0x7f).length;

function fullPath(block: Buffer): ByteString {
  const name = text(block, NAME);
  if (block.toString('latin1', MAGIC.start, MAGIC.start + MAGIC.length) !== POSIX_MAGIC) return name;
  const prefix = text(block, PREFIX);
  return prefix === '' ? name : `${prefix}/${name}`;
}

function text(block: Buffer, {start, length}: {readonly start: number; readonly length: number}): ByteString {
  let end = start;
  while (end < start + length && block[end] !== 0) end++;
  return block.toString('latin1', start, end);
}

/** Readers keep its last bits, which a double has lost where GNU's binary number fills the field. */
function mode(block: Buffer, path: ByteString): number {
  const value = number(block, MODE, path);
  return Number.isSafeInteger(value) ? value : block.readUInt16BE(MODE.start + MODE.length - 2);
}

function number(block: Buffer, {name, start, length}: Field, path: ByteString): number {
  const value = parseTarNumber(block, start, length);
  if (Number.isNaN(value)) throw entryRefusal('TAR_INVALID', path, `has a ${name} that is no number`);
  return value;
}
