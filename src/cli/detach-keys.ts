import {flagInvalid, quote} from './arguments/usage-error.ts';

/** What was typed, without what leads to a detachment. */
export interface Typed {
  readonly bytes: Uint8Array;
  readonly isDetached: boolean;
}

export const DEFAULT_DETACH_KEYS = 'ctrl-p,ctrl-q';

const CONTROLS = '@abcdefghijklmnopqrstuvwxyz[\\]^_';

/**
 * Reads keys as docker names them: letters, or `ctrl-` and a letter or one of `@ [ \ ] ^ _`, separated by commas.
 *
 * @returns no bytes for no keys: nothing detaches.
 * @throws {WinchError} `FLAG_INVALID`
 */
export const parseDetachKeys = (words: string): Uint8Array =>
  Buffer.from(words === '' ? [] : words.split(',').map(parseKey));

/** Looks for the keys in what is typed, piece by piece; what may become them waits for the next piece. */
export function createDetachScanner(keys: Uint8Array): (piece: Uint8Array) => Typed {
  let matched = 0;
  return (piece) => {
    const typed: number[] = [];
    for (const byte of piece) {
      if (matched > 0 && byte !== keys[matched]) {
        typed.push(...keys.subarray(0, matched));
        matched = 0;
      }
      if (byte === keys[matched]) matched += 1;
      else typed.push(byte);
      if (keys.length > 0 && matched === keys.length) return {bytes: Buffer.from(typed), isDetached: true};
    }
    return {bytes: Buffer.from(typed), isDetached: false};
  };
}

function parseKey(word: string): number {
  const control = /^ctrl-(.)$/i.exec(word)?.[1]?.toLowerCase();
  const code = control === undefined ? -1 : CONTROLS.indexOf(control);
  if (code >= 0) return code;
  if (/^[\x20-\x7e]$/.test(word)) return word.charCodeAt(0);
  throw flagInvalid('--detach-keys', `${quote(word)} is no key`, '--detach-keys ctrl-p,ctrl-q');
}
