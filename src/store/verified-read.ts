import {closeSync, constants, fstatSync, openSync, readFileSync} from 'node:fs';
import {hasErrno, WinchError} from '../errors.ts';
import {hashNatively} from '../host/native-hash.ts';
import {storageError} from '../host/storage-error.ts';
import {type Digest, digestAlgorithm, digestHex, digestOf} from '../oci/digest.ts';

/** A pipe in the place of a blob is not waited for. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;

/**
 * Reads a small stored document and checks its digest again.
 *
 * @throws {WinchError} `BLOB_MISSING` | `STORE_CORRUPT` | `LIMIT_BLOB`
 */
export function readVerified(path: string, digest: Digest, limitBytes: number): Buffer {
  const bytes = readLimited(path, digest, limitBytes);
  if (hasDigest(bytes, digest)) return bytes;
  throw damaged(digest);
}

/** What the quick way does not confirm, the other one decides. */
const hasDigest = (bytes: Buffer, digest: Digest): boolean => {
  const algorithm = digestAlgorithm(digest);
  return (algorithm === 'sha256' && hashNatively(bytes) === digestHex(digest)) || digestOf(bytes, algorithm) === digest;
};

const damaged = (digest: Digest) =>
  new WinchError('STORE_CORRUPT', `blob ${digest} in the store no longer has its digest`, {
    kind: 'corrupt',
    hint: 'have the store checked and repaired, or remove the image and pull it again',
  });

function readLimited(path: string, digest: Digest, limitBytes: number): Buffer {
  try {
    const fd = openSync(path, FLAGS);
    try {
      const stats = fstatSync(fd);
      if (!stats.isFile()) throw damaged(digest);
      const {size} = stats;
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
