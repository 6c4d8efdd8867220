import {WinchError} from '../errors.ts';
import type {TerminalSize} from '../host/terminal-size.ts';

const MOST = 2 ** 16;

/**
 * The size that a query names as `h` and `w`.
 *
 * @throws {WinchError} `SIZE_INVALID`
 */
export function readTerminalSize(query: URLSearchParams): TerminalSize {
  const [rows = Number.NaN, columns = Number.NaN] = ['h', 'w'].map((name) => Number(query.get(name) || Number.NaN));
  if ([rows, columns].every((count) => Number.isInteger(count) && count >= 0 && count < MOST)) return {rows, columns};
  throw new WinchError('SIZE_INVALID', 'h and w are no size', {kind: 'invalid'});
}
