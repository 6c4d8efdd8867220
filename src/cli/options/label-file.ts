import {flagInvalid, quote} from '../arguments/usage-error.ts';
import type {Environment} from '../environment.ts';
import {readFlagLines} from './read-file.ts';

/**
 * The lines of a file that are labels: as of a file of variables, empty ones and those behind a `#` are none.
 *
 * @throws {WinchError} `FLAG_INVALID`
 */
export function parseLabelFile(path: string, environment: Environment): readonly string[] {
  const labels = readFlagLines('--label-file', path, environment);
  const wrong = labels.find((label) => /^[^=]*\s[^=]*=|^=/.test(label));
  if (wrong === undefined) return labels;
  throw flagInvalid('--label-file', `${quote(wrong)} in ${quote(path)} names no label`, 'lines of KEY=value');
}
