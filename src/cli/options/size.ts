import {flagInvalid, quote} from '../arguments/usage-error.ts';

const POWERS: Readonly<Record<string, number>> = {'': 0, b: 0, k: 1, m: 2, g: 3, t: 4, p: 5};

/**
 * Reads a size as docker does: powers of 1024, fractions allowed, a trailing `b` or `ib` allowed (`64m`, `1.5GiB`).
 *
 * @returns Bytes, rounded down.
 * @throws {WinchError} `FLAG_INVALID`
 */
export function parseSize(flag: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?) ?([bkmgtp]?)(?:i?b)?$/i.exec(text);
  const bytes = match ? Math.floor(Number(match[1]) * 1024 ** (POWERS[(match[2] ?? '').toLowerCase()] ?? 0)) : -1;
  if (bytes >= 0 && Number.isSafeInteger(bytes)) return bytes;
  throw flagInvalid(flag, `${quote(text)} is not a size`, `bytes or a number with k, m or g: ${flag} 64m`);
}
