import type {ByteString} from './byte-string.ts';
import {entryRefusal} from './refusal.ts';

/** Linux: PATH_MAX. */
export const PATH_LIMIT_BYTES = 4096;
/** Linux and EROFS: NAME_MAX. */
const NAME_LIMIT_BYTES = 255;
/** Names of a path; readers may recurse that deep. */
export const DEPTH_LIMIT = 1024;

/**
 * The names a path goes through, without a leading slash, empty names and `.`; none for the root itself. `..` is kept.
 *
 * @throws {WinchError} `TAR_LIMIT`: longer than 4096 bytes, a name longer than 255, or more than 1024 names.
 */
export function splitPath(path: ByteString, entryPath: ByteString): readonly ByteString[] {
  if (path.length > PATH_LIMIT_BYTES) {
    throw entryRefusal('TAR_LIMIT', entryPath, `has a path of ${path.length} bytes; the limit is ${PATH_LIMIT_BYTES}`);
  }
  const names: ByteString[] = [];
  for (const name of path.split('/')) {
    if (name.length > NAME_LIMIT_BYTES) {
      throw entryRefusal(
        'TAR_LIMIT',
        entryPath,
        `has a name of ${name.length} bytes; the limit is ${NAME_LIMIT_BYTES}`,
      );
    }
    if (name !== '' && name !== '.') names.push(name);
  }
  if (names.length > DEPTH_LIMIT) {
    throw entryRefusal('TAR_LIMIT', entryPath, `lies ${names.length} directories deep; the limit is ${DEPTH_LIMIT}`);
  }
  return names;
}
