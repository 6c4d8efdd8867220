import {choice, list, type OptionValues} from '../arguments/option-table.ts';
import {flagInvalid, flagsConflict, quote} from '../arguments/usage-error.ts';
import {parseSize} from './size.ts';

/** Less holds not even what is written at once. */
const LEAST_BYTES = 64 * 1024;
const OPTION = /^(max-size|max-file)=(.+)$/;

export const LOG_FLAGS = {
  'log-driver': choice(
    ['json-file', 'local', 'k8s-file', 'none'],
    'With --detach the log is one file by whatever name, without it there is none',
  ),
  'log-opt': list(
    'KEY=value',
    'max-size=10m: begin the log anew when it has grown to this size; max-file changes nothing: one file is kept',
  ),
};

type LogValues = OptionValues<typeof LOG_FLAGS>;

/**
 * From which size on the log of a container that stays begins anew.
 *
 * @returns bytes; undefined: no limit.
 * @throws {WinchError} `FLAG_INVALID` | `FLAGS_CONFLICT`
 */
export function parseLog(values: LogValues): number | undefined {
  if (values['log-driver'] === 'none') {
    throw flagsConflict(
      'a container that stays has a log',
      'leave out --log-driver none, and keep it small with --log-opt max-size=64k',
    );
  }
  return parseLogLimit(values);
}

/** As `parseLog`, whether the container stays or not. @throws {WinchError} `FLAG_INVALID` */
export function parseLogLimit({'log-opt': words = []}: LogValues): number | undefined {
  const sizes = words.map(parseOption).filter((bytes) => bytes !== null);
  return sizes.at(-1);
}

/** @returns null: it says nothing of the size. */
function parseOption(word: string): number | null {
  const [, name, value = ''] = OPTION.exec(word) ?? [];
  if (name === 'max-file' && /^[1-9]\d{0,8}$/.test(value)) return null;
  const bytes = name === 'max-size' ? parseSize('--log-opt', value) : 0;
  if (bytes >= LEAST_BYTES) return bytes;
  throw flagInvalid('--log-opt', `${quote(word)} is no limit of a log`, 'max-size=SIZE, of at least 64k; max-file=N');
}
