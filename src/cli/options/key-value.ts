import {flagInvalid, quote} from '../arguments/usage-error.ts';

/**
 * Reads `KEY=value` words into a record; of equal keys the last one wins.
 *
 * @param options.allowBareKey Whether `KEY` alone means an empty value, as for labels.
 * @returns A record without a prototype: keys are the user's.
 * @throws {WinchError} `FLAG_INVALID`
 */
export function parseKeyValues(
  flag: string,
  words: readonly string[],
  options: {readonly allowBareKey?: boolean} = {},
): Readonly<Record<string, string>> {
  const record: Record<string, string> = Object.create(null);
  for (const word of words) {
    const equals = word.indexOf('=');
    if (equals === 0 || word === '' || (equals === -1 && !options.allowBareKey)) {
      throw flagInvalid(flag, `${quote(word)} is not KEY=value`, `${flag} KEY=value`);
    }
    record[equals === -1 ? word : word.slice(0, equals)] = equals === -1 ? '' : word.slice(equals + 1);
  }
  return record;
}
