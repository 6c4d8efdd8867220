import {isNullOrUndefined, isPlainObject, isSafeInteger, isString} from '@sindresorhus/is';
import type {JsonObject} from '../../oci/strict-json.ts';
import type {ByteString} from '../byte-string.ts';
import {layerRefusal} from '../refusal.ts';
import type {TarEntry, TarEntryType} from '../tar-entry.ts';
import {checkDevice, checkedId, checkedSize, clampTime} from '../tar-entry-values.ts';
import {collectXattrs} from '../tar-xattrs.ts';

const TYPES: Readonly<Record<string, TarEntryType>> = Object.freeze({
  dir: 'directory',
  reg: 'file',
  symlink: 'symlink',
  hardlink: 'hardlink',
  char: 'character',
  block: 'block',
  fifo: 'fifo',
});
const PERMISSIONS = 0o7777;
const TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?(Z|[+-]\d\d:\d\d)$/;
const NANOSECOND_DIGITS = 9;
const NOT_ASCII = /[^\x20-\x7e]/;

/** The entry of the tar that a line of a table of contents stands for. */
export function readTarEntry(line: JsonObject, dataOffset: number): TarEntry {
  const path = bytesOf(line, 'name');
  const type = TYPES[textOf(line, 'type')];
  if (type === undefined) throw invalidToc(`has an entry of the type ${JSON.stringify(line.type)?.slice(0, 40)}`);
  const [deviceMajor, deviceMinor] = [numberOf(line, 'devMajor'), numberOf(line, 'devMinor')];
  if (type === 'character' || type === 'block') checkDevice(deviceMajor, deviceMinor, path);
  const [mtimeSeconds, mtimeNanoseconds] = timeOf(textOf(line, 'modtime'));
  return {
    path,
    type,
    linkPath: bytesOf(line, 'linkName'),
    permissions: numberOf(line, 'mode') & PERMISSIONS,
    uid: checkedId(numberOf(line, 'uid'), path),
    gid: checkedId(numberOf(line, 'gid'), path),
    mtimeSeconds,
    mtimeNanoseconds,
    size: type === 'file' ? checkedSize(numberOf(line, 'size'), path) : 0,
    dataOffset,
    deviceMajor,
    deviceMinor,
    xattrs: xattrsOf(line, path),
  };
}

/** A whole number that a table of contents may leave out where it is 0. */
export function numberOf(line: JsonObject, key: string): number {
  const value = line[key] ?? 0;
  if (isSafeInteger(value) && value >= 0) return value;
  throw invalidToc(`has an entry whose ${key} is no whole number`);
}

/** A text that a table of contents may leave out where it is empty. */
export function textOf(line: JsonObject, key: string): string {
  const value = line[key] ?? '';
  if (isString(value)) return value;
  throw invalidToc(`has an entry whose ${key} is no text`);
}

/** A table of contents that breaks its format: what it says of one layer cannot be. */
export const invalidToc = (fault: string, cause?: unknown) =>
  layerRefusal('LAYER_TOC_INVALID', `its table of contents ${fault}`, cause);

/** Most names are ASCII, and as bytes what they are as text. */
function bytesOf(line: JsonObject, key: string): ByteString {
  const text = textOf(line, key);
  return NOT_ASCII.test(text) ? Buffer.from(text).toString('latin1') : text;
}

/** A time that is none is not known, as tools that write none have it. */
function timeOf(text: string): readonly [seconds: number, nanoseconds: number] {
  const [, whole = '', fraction = '', zone = ''] = TIME.exec(text) ?? [];
  const seconds = Date.parse(`${whole}${zone}`) / 1000;
  if (!isSafeInteger(seconds)) return [0, 0];
  const isInRange = clampTime(seconds) === seconds;
  return [clampTime(seconds), isInRange ? Number(fraction.padEnd(NANOSECOND_DIGITS, '0')) : 0];
}

function xattrsOf({xattrs}: JsonObject, path: ByteString): TarEntry['xattrs'] {
  if (isNullOrUndefined(xattrs)) return null;
  if (!isPlainObject(xattrs)) throw invalidToc('has an entry whose xattrs are no object');
  const records = Object.entries(xattrs).map(([name, value]) => {
    if (!isString(value)) throw invalidToc('has an extended attribute that is no text');
    const key = Buffer.from(`SCHILY.xattr.${name}`).toString('latin1');
    return [key, Buffer.from(value, 'base64').toString('latin1')] as const;
  });
  return collectXattrs(new Map(records), path);
}
