const ZERO = 0x30;
const SEVEN = 0x37;
const SPACE = 0x20;
const BASE_256 = 0x80;
const BASE_256_NEGATIVE = 0xff;

/**
 * The number in a header field: octal digits, spaces before and spaces or NULs behind them (none at all are 0), or
 * GNU's big-endian binary number, marked by a first byte of 0x80, or 0xff for a negative one. Numbers beyond 2^53 lose
 * precision but stay beyond it.
 *
 * Returns NaN for anything else.
 */
export function parseTarNumber(block: Buffer, start: number, length: number): number {
  const isBinary = block[start] === BASE_256 || block[start] === BASE_256_NEGATIVE;
  return isBinary ? parseBinary(block, start, length) : parseOctal(block, start, start + length);
}

function parseOctal(block: Buffer, start: number, end: number): number {
  let at = start;
  // Digits behind a NUL are a number to some readers and none to others.
  while (at < end && block[at] === SPACE) at++;
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
  const isNegative = block[start] === BASE_256_NEGATIVE;
  // Two's complement: -x is ~x + 1, and flipping each byte keeps the magnitude in reach of a double.
  const flip = isNegative ? 0xff : 0;
  let value = 0;
  for (let at = start + 1; at < start + length; at++) value = value * 256 + ((block[at] ?? 0) ^ flip);
  return isNegative ? -value - 1 : value;
}
