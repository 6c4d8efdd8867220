import {list, type OptionValues} from '../arguments/option-table.ts';
import {flagInvalid, quote} from '../arguments/usage-error.ts';
import {parseSize} from './size.ts';

/** Less holds not even what is written at once. */
const LEAST_BYTES = 64 * 1024;

export const LOG_FLAG = {
  'log-opt': list('max-size=SIZE', 'Begin the log anew when it has grown to this size (10m)'),
};

/**
 * @returns bytes; undefined: no limit.
 * @throws {WinchError} `FLAG_INVALID`
 */
export function parseLogLimit({'log-opt': words = []}: OptionValues<typeof LOG_FLAG>): number | undefined {
  const sizes = words.map((word) => {
    const [, size] = /^max-size=(.+)$/.exec(word) ?? [];
    const bytes = size === undefined ? 0 : parseSize('--log-opt', size);
    if (bytes >= LEAST_BYTES) return bytes;
    throw flagInvalid('--log-opt', `${quote(word)} is no limit of a log`, 'max-size=SIZE, of at least 64k');
  });
  return sizes.at(-1);
}
