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
 * @returns no bytes for no keys: nothing detaches; null where there is something else.
 */
export function readDetachKeys(words: string): Uint8Array | null {
  const keys = words === '' ? [] : words.split(',').map(readKey);
  return keys.includes(null) ? null : Buffer.from(keys as readonly number[]);
}

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

function readKey(word: string): number | null {
  const control = /^ctrl-(.)$/i.exec(word)?.[1]?.toLowerCase();
  const code = control === undefined ? -1 : CONTROLS.indexOf(control);
  if (code >= 0) return code;
  return /^[\x20-\x7e]$/.test(word) ? word.charCodeAt(0) : null;
}
