import {readDetachKeys} from '../containers/detach-keys.ts';
import {flagInvalid, quote} from './arguments/usage-error.ts';

/** @throws {WinchError} `FLAG_INVALID` */
export function parseDetachKeys(words: string): Uint8Array {
  const keys = readDetachKeys(words);
  if (keys !== null) return keys;
  throw flagInvalid('--detach-keys', `${quote(words)} names no keys`, '--detach-keys ctrl-p,ctrl-q');
}
