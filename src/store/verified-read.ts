import {closeSync, fstatSync, openSync, readFileSync} from 'node:fs';
import {hasErrno, WinchError} from '../errors.ts';
import {storageError} from '../host/storage-error.ts';
import {type Digest, digestAlgorithm, digestOf} from '../oci/digest.ts';

/**
 * Reads a small stored document and checks its digest again.
 *
 * @throws {WinchError} `BLOB_MISSING` | `STORE_CORRUPT` | `LIMIT_BLOB`
 */
export function readVerified(path: string, digest: Digest, limitBytes: number): Buffer {
  const bytes = readLimited(path, digest, limitBytes);
  if (digestOf(bytes, digestAlgorithm(digest)) === digest) return bytes;
  throw new WinchError('STORE_CORRUPT', `blob ${digest} in the store no longer has its digest`, {
    kind: 'corrupt',
    hint: 'remove the image and pull it again',
  });
}

function readLimited(path: string, digest: Digest, limitBytes: number): Buffer {
  try {
    const fd = openSync(path, 'r');
    try {
      const {size} = fstatSync(fd);
      if (size > limitBytes) {
        throw new WinchError('LIMIT_BLOB', `blob ${digest} has ${size} bytes, more than ${limitBytes}`, {
          kind: 'refused',
        });
      }
      return readFileSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (!hasErrno(error, 'ENOENT', 'ENOTDIR')) throw storageError(error, path);
    throw new WinchError('BLOB_MISSING', `blob ${digest} is not in the store`, {
      kind: 'corrupt',
      hint: 'pull the image again',
    });
  }
}
