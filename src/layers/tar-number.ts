const ZERO = 0x30;
const SEVEN = 0x37;
const SPACE = 0x20;
const BASE_256 = 0x80;
const BASE_256_SIGN = 0x40;
const BASE_256_FIRST_VALUE = 0x7f;

/**
 * The number in a header field: octal digits between spaces and NULs (nothing at all is 0), or GNU's big-endian binary
 * number, marked by the first byte's top bit. Numbers beyond 2^53 lose precision but stay beyond it.
 *
 * Returns NaN for anything else.
 */
export function parseTarNumber(block: Buffer, start: number, length: number): number {
  const isBinary = ((block[start] ?? 0) & BASE_256) !== 0;
  return isBinary ? parseBinary(block, start, length) : parseOctal(block, start, start + length);
}

function parseOctal(block: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end && isBlank(block[at])) at++;
  let value = 0;
  for (; at < end && !isBlank(block[at]); at++) {
    const digit = block[at] ?? 0;
    if (digit < ZERO || digit > SEVEN) return Number.NaN;
    value = value * 8 + digit - ZERO;
  }
  while (at < end && isBlank(block[at])) at++;
  return at === end ? value : Number.NaN;
}

const isBlank = (byte: number | undefined) => byte === SPACE || byte === 0;

function parseBinary(block: Buffer, start: number, length: number): number {
  const first = block[start] ?? 0;
  const isNegative = (first & BASE_256_SIGN) !== 0;
  // Two's complement: -x is ~x + 1, and flipping each byte keeps the magnitude in reach of a double.
  const flip = isNegative ? 0xff : 0;
  let value = (first ^ flip) & BASE_256_FIRST_VALUE;
  for (let at = start + 1; at < start + length; at++) value = value * 256 + ((block[at] ?? 0) ^ flip);
  return isNegative ? -value - 1 : value;
}
