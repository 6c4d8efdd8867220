import {decodeTarHeader} from '../../src/layers/tar-header.ts';
import {parseTarNumber} from '../../src/layers/tar-number.ts';
import type {ReferenceEntry, ReferenceListing} from './reference-readers.ts';

const BLOCK = 512;
const FLAG_AT = 156;
const MAGIC_AT = 257;
const DEVICE_AT = 329;
const PREFIX_AT = 345;
const SIZE_AT = 124;
const SIZE_BYTES = 12;
/** As bytes; tarfile decodes this value strictly, whatever it is told about errors. */
const FOREIGN_CHARSET = /hdrcharset=[^\n]*[\x80-\xff]/;
/** Links, devices, directories and FIFOs. */
const NO_CONTENT = /[1-6]/;
const UNUSED_ID = /out of [ug]id_t range|Extended header [ug]id=\d+ is out of range/;
const EMPTY_RECORD = /\d+ (?:uid|gid|size|[acm]time|path|linkpath)=\n/;
const SIZE_RECORD = /\d+ size=0*[1-9]\d*\n/;

export interface Reading {
  readonly reader: 'tarfile' | 'gnuTar';
  readonly listing: ReferenceListing;
  /** What tarfile finds, which shows the sizes in the headers as well; null when it fails. */
  readonly headers: readonly ReferenceEntry[] | null;
}

/** A tar in which we have found so many entries. */
export interface ReadTar {
  readonly tar: Buffer;
  readonly count: number;
}

/**
 * Why another reader may read a tar in a way of its own; null for no reason. Go's archive/tar, with which other tools
 * read layers, is on our side in each of these.
 */
export function knownDifference({reader, listing, headers}: Reading, {tar, count}: ReadTar): string | null {
  if (count === 0) return 'an archive without entries';
  if (tar.length % BLOCK !== 0) return 'a last block that is cut short';
  if (EMPTY_RECORD.test(tar.toString('latin1'))) return 'an empty PAX record';
  if (headersOf(tar).some((at) => isRunOnName(tar, at))) return 'a long name that runs on behind its size';
  if (reader === 'tarfile') return knownOfTarfile(tar, listing);
  const own = knownOfGnuTar(listing);
  if (own !== null) return own;
  // It forgets all of the first one, and not just what the next one says anew.
  if (countGlobalHeaders(tar) > 1) return 'a second global PAX header';
  const hasEmptyLink = headers?.some(({type, linkPath}) => type === 'hardlink' && linkPath === '');
  if (hasEmptyLink) return 'a hard link to nothing';
  const hasSizedName = headers?.some(({type, size}) => type !== 'file' && size !== 0) ?? hasSizedHeader(tar);
  return hasSizedName || hasSizeRecord(tar) ? 'an entry without content that has a size' : null;
}

const hasSizedHeader = (tar: Buffer): boolean =>
  headersOf(tar).some((at) => NO_CONTENT.test(flagAt(tar, at)) && parseTarNumber(tar, at + SIZE_AT, SIZE_BYTES) > 0);

/** The same by a record in front of the header. */
const hasSizeRecord = (tar: Buffer): boolean =>
  headersOf(tar).some((at, index, places) => {
    const next = places[index + 1];
    if (flagAt(tar, at) !== 'x' || next === undefined || !NO_CONTENT.test(flagAt(tar, next))) return false;
    return SIZE_RECORD.test(tar.toString('latin1', at + BLOCK, next));
  });

function knownOfGnuTar(listing: ReferenceListing): string | null {
  if ('entries' in listing) {
    // It takes a slash from the name to see that an entry without a type is a directory, but never the only one.
    const isRoot = listing.entries.some(({path, type}) => path === '/' && type === 'file');
    return isRoot ? 'the root without a type' : null;
  }
  if (listing.error.includes('out of time_t range')) return 'a time beyond 2^63';
  // It lists the entry with the ids of the last PAX records, and fails for those before all the same.
  return UNUSED_ID.test(listing.error) ? 'an id that a PAX record replaces' : null;
}

function knownOfTarfile(tar: Buffer, listing: ReferenceListing): string | null {
  if (
    'error' in listing &&
    listing.error.startsWith('UnicodeDecodeError') &&
    FOREIGN_CHARSET.test(tar.toString('latin1'))
  )
    return 'a character set whose name is no text';
  if ('error' in listing && /end of file header|empty header/.test(listing.error) && countGlobalHeaders(tar) > 0)
    return 'a global PAX header behind the last entry';
  const blocks = headersOf(tar).map((at) => tar.subarray(at, at + BLOCK));
  // It joins the prefix and reads the device numbers of any header, whereas only POSIX and GNU have such fields.
  if (blocks.some((header) => !isPosix(header) && header[PREFIX_AT] !== 0)) return 'a prefix without its magic';
  const isUnread = blocks.some(
    (header) => !header.includes('ustar') && header.subarray(DEVICE_AT, PREFIX_AT).some(Boolean),
  );
  return isUnread ? 'device numbers without magic' : null;
}

const isPosix = (header: Buffer): boolean => header.toString('latin1', MAGIC_AT, MAGIC_AT + 6) === 'ustar\0';

const countGlobalHeaders = (tar: Buffer): number => headersOf(tar).filter((at) => flagAt(tar, at) === 'g').length;

/** GNU tar and tarfile read up to the next NUL. */
function isRunOnName(tar: Buffer, at: number): boolean {
  const flag = flagAt(tar, at);
  const end = at + BLOCK + parseTarNumber(tar, at + SIZE_AT, SIZE_BYTES);
  return (flag === 'L' || flag === 'K') && tar[end - 1] !== 0 && (end % BLOCK === 0 || tar[end] !== 0);
}

const flagAt = (tar: Buffer, at: number): string => tar.toString('latin1', at + FLAG_AT, at + FLAG_AT + 1);

/** Where blocks with the right checksum are. */
function headersOf(tar: Buffer): readonly number[] {
  const places = Array.from({length: Math.floor(tar.length / BLOCK)}, (_, at) => at * BLOCK);
  return places.filter((at) => {
    try {
      return decodeTarHeader(tar, at) !== null;
    } catch {
      return false;
    }
  });
}
