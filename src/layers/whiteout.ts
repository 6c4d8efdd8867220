import type {ByteString} from './byte-string.ts';
import {entryRefusal} from './refusal.ts';

/** What an entry's name asks for. */
export type NameMeaning =
  | {readonly kind: 'entry'}
  /** Hides `name` of the lower layers. */
  | {readonly kind: 'whiteout'; readonly name: ByteString}
  /** Hides all that lower layers have in the directory. */
  | {readonly kind: 'opaque'}
  /** Bookkeeping of aufs, which is no part of the image. */
  | {readonly kind: 'ignored'};

/** What a name that hides another begins with. */
export const WHITEOUT_PREFIX = '.wh.';
const META_PREFIX = '.wh..wh.';
/** The name of what hides all that lower layers have in its directory. */
export const OPAQUE_MARKER = '.wh..wh..opq';
const ENTRY: NameMeaning = Object.freeze({kind: 'entry'});
const IGNORED: NameMeaning = Object.freeze({kind: 'ignored'});

/**
 * Reads the whiteout markers in a path.
 *
 * @throws {WinchError} `WHITEOUT_INVALID`: `.wh.` without a name, for `.` or `..` (they would hide the directory itself
 * or the one above), or in the middle of a path.
 * @see image-spec v1.1.1 layer.md#whiteouts
 */
export function nameMeaning(names: readonly ByteString[], path: ByteString): NameMeaning {
  if (!path.includes(WHITEOUT_PREFIX)) return ENTRY;
  const marker = names.findIndex((name) => name.startsWith(WHITEOUT_PREFIX));
  const name = names[marker];
  if (name === undefined) return ENTRY;
  const isLast = marker === names.length - 1;
  if (isLast && name === OPAQUE_MARKER) return {kind: 'opaque'};
  if (name.startsWith(META_PREFIX)) return IGNORED;
  if (!isLast) throw entryRefusal('WHITEOUT_INVALID', path, 'lies below a whiteout');
  const hidden = name.slice(WHITEOUT_PREFIX.length);
  if (hidden === '' || hidden === '.' || hidden === '..') {
    throw entryRefusal('WHITEOUT_INVALID', path, 'is a whiteout that names no file');
  }
  return {kind: 'whiteout', name: hidden};
}
