import {closeSync, openSync, readSync} from 'node:fs';
import {hasErrno} from '../errors.ts';

/**
 * Random bytes from the kernel, in hexadecimal. `node:crypto` takes 6 ms to load, so it is asked only where a `/dev` has
 * no such device.
 *
 * @see random(4)
 */
export function randomHex(bytes: number): string {
  const fd = openDevice();
  if (fd === null) return process.getBuiltinModule('node:crypto').randomBytes(bytes).toString('hex');
  try {
    const buffer = Buffer.alloc(bytes);
    // The kernel gives up to 256 bytes at once, uninterrupted.
    readSync(fd, buffer);
    return buffer.toString('hex');
  } finally {
    closeSync(fd);
  }
}

function openDevice(): number | null {
  try {
    return openSync('/dev/urandom', 'r');
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'EACCES', 'EPERM', 'ENXIO')) return null;
    throw error;
  }
}
