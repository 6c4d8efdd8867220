import {type FileHandle, open} from 'node:fs/promises';
import {hasErrno, WinchError} from '../../errors.ts';

const LIMIT_BYTES = 1_048_576;

/**
 * The bytes of a login file, which may be a pipe; null when there is none.
 *
 * @throws {WinchError} `CREDENTIALS_INVALID`: it cannot be read, or is larger than 1 MiB.
 */
export async function readLoginFile(path: string, signal?: AbortSignal): Promise<Uint8Array | null> {
  signal?.throwIfAborted();
  try {
    await using file = await open(path, 'r');
    const bytes = await readAtMost(file, LIMIT_BYTES + 1);
    if (bytes.length > LIMIT_BYTES) throw unreadable(path, 'is larger than 1 MiB');
    return bytes;
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return null;
    if (!hasErrno(error, 'EACCES', 'EPERM', 'EISDIR', 'ELOOP')) throw error;
    throw unreadable(path, `cannot be read (${error.code})`, error);
  }
}

async function readAtMost(file: FileHandle, limitBytes: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for (let total = 0; total < limitBytes; ) {
    const {bytesRead, buffer} = await file.read(Buffer.alloc(65_536));
    if (bytesRead === 0) break;
    pieces.push(buffer.subarray(0, bytesRead));
    total += bytesRead;
  }
  return Buffer.concat(pieces);
}

function unreadable(path: string, fault: string, cause?: unknown): WinchError {
  return new WinchError('CREDENTIALS_INVALID', `the login file ${path} ${fault}`, {
    kind: 'unauthorized',
    hint: 'check what it is, its owner and its mode',
    cause,
  });
}
