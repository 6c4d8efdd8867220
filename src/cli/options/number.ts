import {flagInvalid, quote} from '../arguments/usage-error.ts';

export interface IntegerRange {
  readonly minimum: number;
  readonly maximum?: number;
}

/**
 * Reads a whole number.
 *
 * @throws {WinchError} `FLAG_INVALID`
 */
export function parseInteger(flag: string, text: string, {minimum, maximum}: IntegerRange): number {
  const value = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value) && value >= minimum && value <= (maximum ?? value)) return value;
  const range = maximum === undefined ? `of at least ${minimum}` : `from ${minimum} to ${maximum}`;
  throw flagInvalid(flag, `${quote(text)} is out of range or no whole number`, `a whole number ${range}`);
}

/**
 * Reads a number above zero that may have a fraction.
 *
 * @param example A right value for the error text.
 * @throws {WinchError} `FLAG_INVALID`
 */
export function parsePositive(flag: string, text: string, example: string): number {
  const value = /^(?:\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isFinite(value) && value > 0) return value;
  throw flagInvalid(flag, `${quote(text)} is not a number above zero`, `${flag} ${example}`);
}
