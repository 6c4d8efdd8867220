import {open} from 'node:fs/promises';
import {storageError} from '../host/storage-error.ts';
import {createDigester, type Digest, type DigestAlgorithm} from '../oci/digest.ts';

const PIECE_BYTES = 1024 * 1024;

/** The digest of a whole file, at about 1 GB/s. @throws {WinchError} `STORE_IO` | `STORE_DENIED` */
export async function hashFile(path: string, algorithm: DigestAlgorithm, signal?: AbortSignal): Promise<Digest> {
  try {
    await using file = await open(path, 'r');
    const {size} = await file.stat();
    const digester = createDigester(algorithm);
    const buffer = Buffer.allocUnsafeSlow(Math.max(1, Math.min(PIECE_BYTES, size)));
    while (true) {
      signal?.throwIfAborted();
      const {bytesRead} = await file.read(buffer, 0, buffer.length);
      if (bytesRead === 0) return digester.digest();
      digester.update(buffer.subarray(0, bytesRead));
    }
  } catch (error) {
    throw storageError(error, path);
  }
}
