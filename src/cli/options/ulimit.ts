import type {ContainerOptions} from '../../bundle/container-options.ts';
import {RLIMIT_NAMES} from '../../bundle/rlimits.ts';
import {flagInvalid, quote} from '../arguments/usage-error.ts';

type Ulimit = NonNullable<ContainerOptions['ulimits']>[number];

const EXAMPLE = '--ulimit nofile=1024:2048, with -1 for unlimited';

/**
 * Reads `NAME=SOFT[:HARD]`; one number stands for both.
 *
 * @throws {WinchError} `FLAG_INVALID`
 */
export function parseUlimit(text: string): Ulimit {
  const match = /^([a-z]+)=(-1|\d+)(?::(-1|\d+))?$/.exec(text);
  const [, name = '', softText = '', hardText = softText] = match ?? [];
  const [soft, hard] = [Number(softText), Number(hardText)];
  if (!match || !Number.isSafeInteger(soft) || !Number.isSafeInteger(hard)) {
    throw flagInvalid('--ulimit', `${quote(text)} is not NAME=SOFT[:HARD]`, EXAMPLE);
  }
  if (!RLIMIT_NAMES.includes(name))
    throw flagInvalid('--ulimit', `there is no limit ${quote(name)}`, RLIMIT_NAMES.join(', '));
  if (hard !== -1 && (soft === -1 || soft > hard)) {
    throw flagInvalid('--ulimit', `the soft limit of ${quote(text)} is above the hard one`, EXAMPLE);
  }
  return {name, soft, hard};
}
