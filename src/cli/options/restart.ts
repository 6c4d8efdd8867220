import type {RestartPolicy} from '../../containers/kept/restart-policy.ts';
import {type OptionValues, text} from '../arguments/option-table.ts';
import {flagInvalid, flagsConflict, quote} from '../arguments/usage-error.ts';

export const RESTART_FLAG = {
  restart: text('POLICY', 'When it starts again by itself: no, on-failure[:N], always or unless-stopped', {
    defaultsTo: 'no',
  }),
};

/**
 * @returns undefined: never.
 * @throws {WinchError} `FLAG_INVALID` | `FLAGS_CONFLICT`
 */
export function parseRestart({
  restart,
  rm,
}: OptionValues<typeof RESTART_FLAG> & {readonly rm?: boolean}): RestartPolicy | undefined {
  if (restart === undefined || restart === 'no' || restart === '') return undefined;
  if (rm) throw flagsConflict('--restart and --rm exclude one another', 'leave out one of them');
  if (restart === 'always' || restart === 'unless-stopped') return {name: restart};
  const [, retries] = /^on-failure(?::(\d{1,9}))?$/.exec(restart) ?? refuse(restart);
  return {name: 'on-failure', ...(Number(retries) > 0 && {maximumRetries: Number(retries)})};
}

function refuse(word: string): never {
  throw flagInvalid('--restart', `${quote(word)} is no policy`, 'no, on-failure, on-failure:3, always, unless-stopped');
}
