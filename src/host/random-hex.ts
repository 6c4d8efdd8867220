import {closeSync, openSync, readSync} from 'node:fs';

/**
 * Random bytes from the kernel, in hexadecimal. `node:crypto` takes 6 ms to load, and again what its generator needs.
 *
 * @see random(4)
 */
export function randomHex(bytes: number): string {
  const fd = openSync('/dev/urandom', 'r');
  try {
    const buffer = Buffer.alloc(bytes);
    // The kernel gives up to 256 bytes at once, uninterrupted.
    readSync(fd, buffer);
    return buffer.toString('hex');
  } finally {
    closeSync(fd);
  }
}
