import type {ByteString} from './byte-string.ts';
import {NO_PAX_RECORDS, type PaxRecords, parsePaxRecords} from './pax.ts';
import {entryRefusal, layerRefusal} from './refusal.ts';
import type {TarEntry, TarEntryType} from './tar-entry.ts';
import {checkDevice, checkedId, checkedSize, clampTime, paxNumber, paxTime} from './tar-entry-values.ts';
import type {TarHeader} from './tar-header.ts';
import {collectXattrs} from './tar-xattrs.ts';

/** The header types that say something about the entry behind them. */
export type ExtensionFlag = 'x' | 'g' | 'L' | 'K';

/** What extended headers have said and no entry has used yet. */
export interface TarAssembly {
  /** Records for every entry that follows. */
  global: PaxRecords;
  /** For the next entry only. */
  local: PaxRecords | null;
  longPath: ByteString | null;
  longLinkPath: ByteString | null;
}

const ENTRY_TYPES: Readonly<Record<string, TarEntryType>> = Object.freeze({
  '0': 'file',
  '\0': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'character',
  '4': 'block',
  '5': 'directory',
  '6': 'fifo',
  '7': 'file',
});
const SPARSE_PREFIX = 'GNU.sparse.';
/** A global one of these would give every entry the same name or size. */
const PER_ENTRY_KEYS: readonly string[] = Object.freeze(['path', 'linkpath', 'size']);
const NUMBER_KEYS: readonly string[] = Object.freeze(['size', 'uid', 'gid']);
const TIME_KEYS: readonly string[] = Object.freeze(['mtime', 'atime', 'ctime']);
/** How messages call an entry whose header is still to come. */
const PAX_HEADER = 'behind a PAX header';

export const createTarAssembly = (): TarAssembly => ({
  global: NO_PAX_RECORDS,
  local: null,
  longPath: null,
  longLinkPath: null,
});

export const isExtension = (flag: string): flag is ExtensionFlag =>
  flag === 'x' || flag === 'g' || flag === 'L' || flag === 'K';

/** Whether an extended header waits for its entry. */
export const isPending = ({local, longPath, longLinkPath}: TarAssembly): boolean =>
  local !== null || longPath !== null || longLinkPath !== null;

/**
 * Takes the body of an extended header.
 *
 * @throws {WinchError} `TAR_INVALID` | `TAR_SPARSE`: also where readers of tars are known to disagree: a header type
 * twice before one entry, and a global header between an extended header and its entry.
 */
export function addExtension(assembly: TarAssembly, flag: ExtensionFlag, body: Buffer): void {
  switch (flag) {
    case 'x':
      if (assembly.local) throw ambiguous('two PAX headers before one entry');
      assembly.local = parsePaxRecords(body, checkRecord);
      return;
    case 'g':
      if (isPending(assembly)) throw ambiguous('a global PAX header between an extended header and its entry');
      assembly.global = globalRecords(assembly.global, body);
      return;
    case 'L':
      if (assembly.longPath !== null) throw ambiguous('two long names before one entry');
      assembly.longPath = untilNul(body);
      return;
    case 'K':
      if (assembly.longLinkPath !== null) throw ambiguous('two long link names before one entry');
      assembly.longLinkPath = untilNul(body);
  }
}

/**
 * Joins a header with the extended headers before it, which are used up by that.
 *
 * @throws {WinchError} `TAR_INVALID` | `TAR_SPARSE` | `TAR_LIMIT`
 */
export function assembleEntry(assembly: TarAssembly, header: TarHeader, dataOffset: number): TarEntry {
  const records = mergeRecords(assembly.global, assembly.local);
  const path = chooseText(assembly.longPath, records.get('path'), header.path);
  const type = entryType(header, path);
  const isLink = type === 'hardlink' || type === 'symlink';
  const mtime = records.get('mtime');
  const [mtimeSeconds, mtimeNanoseconds] = mtime ? paxTime(mtime, path) : [clampTime(header.mtime), 0];
  const isDevice = type === 'character' || type === 'block';
  if (isDevice) checkDevice(header.deviceMajor, header.deviceMinor, path);
  const entry: TarEntry = {
    path,
    type,
    linkPath: isLink ? chooseText(assembly.longLinkPath, records.get('linkpath'), header.linkPath) : '',
    permissions: header.mode & 0o7777,
    uid: checkedId(numberOr(records.get('uid'), header.uid, path), path),
    gid: checkedId(numberOr(records.get('gid'), header.gid, path), path),
    mtimeSeconds,
    mtimeNanoseconds,
    size: type === 'file' ? checkedSize(numberOr(records.get('size'), header.size, path), path) : 0,
    dataOffset,
    deviceMajor: isDevice ? header.deviceMajor : 0,
    deviceMinor: isDevice ? header.deviceMinor : 0,
    xattrs: records.size === 0 ? null : collectXattrs(records, path),
  };
  assembly.local = null;
  assembly.longPath = null;
  assembly.longLinkPath = null;
  return entry;
}

function entryType({flag, size, path: headerPath}: TarHeader, path: ByteString): TarEntryType {
  if (flag === 'S') throw sparse();
  // Before POSIX a directory was an entry without a type whose name ends with a slash.
  if (flag === '\0' && headerPath.endsWith('/')) {
    if (path.endsWith('/') && size === 0) return 'directory';
    throw disputed(path, 'is a directory by one of its names, or has content');
  }
  const type = ENTRY_TYPES[flag];
  if (type === undefined) throw entryRefusal('TAR_INVALID', path, `has the unknown type ${JSON.stringify(flag)}`);
  if (type === 'file' && path.endsWith('/')) {
    throw disputed(path, 'is a file with the name of a directory');
  }
  return type;
}

/** Of no use for an entry, a record must make sense all the same: who reads it refuses the archive. */
function checkRecord(key: ByteString, value: ByteString): void {
  if (key.startsWith(SPARSE_PREFIX) || key === 'SCHILY.realsize') throw sparse();
  if (key.includes('\0') || ((key === 'path' || key === 'linkpath') && value.includes('\0'))) {
    throw layerRefusal('TAR_INVALID', 'a PAX header of the layer has a name with a NUL byte');
  }
  if (value === '') return;
  if (NUMBER_KEYS.includes(key)) paxNumber(value, PAX_HEADER);
  if (TIME_KEYS.includes(key)) paxTime(value, PAX_HEADER);
}

function globalRecords(before: PaxRecords, body: Buffer): PaxRecords {
  const records = new Map(before);
  parsePaxRecords(body, (key, value) => {
    checkRecord(key, value);
    if (PER_ENTRY_KEYS.includes(key)) throw ambiguous(`a global PAX header that sets ${key} for every entry`);
    if ((records.get(key) ?? value) !== value) throw ambiguous('global PAX headers that contradict each other');
    records.set(key, value);
  });
  return records;
}

/** An empty value takes back the global one (POSIX pax), except that an xattr may well be empty. */
const mergeRecords = (global: PaxRecords, local: PaxRecords | null): PaxRecords =>
  local === null ? global : global.size === 0 ? local : new Map([...global, ...local]);

function chooseText(long: ByteString | null, record: ByteString | undefined, field: ByteString): ByteString {
  if (long !== null && record && long !== record) throw ambiguous('a GNU and a PAX name that differ for one entry');
  return long ?? (record || field);
}

const numberOr = (record: ByteString | undefined, field: number, path: ByteString): number =>
  record ? paxNumber(record, path) : field;

function untilNul(body: Buffer): ByteString {
  const nul = body.indexOf(0);
  return body.toString('latin1', 0, nul === -1 ? body.length : nul);
}

const disputed = (path: ByteString, what: string) =>
  entryRefusal('TAR_INVALID', path, `${what}, which tar readers do not agree about`);

const sparse = () => layerRefusal('TAR_SPARSE', 'the layer holds a sparse file, which tar readers do not agree about');

const ambiguous = (what: string) => layerRefusal('TAR_INVALID', `the layer has ${what}`);
