import type {Filters} from '../../containers/key-filter.ts';
import {flagInvalid, quote} from '../arguments/usage-error.ts';

/**
 * The values of `--filter`s (`KEY=value`) by their keys.
 *
 * @throws {WinchError} `FLAG_INVALID`
 */
export function parseKeyFilters(words: readonly string[]): Filters {
  const byKey = Map.groupBy(words.map(splitFilter), ({key}) => key);
  return Object.fromEntries([...byKey].map(([key, filters]) => [key, filters.map(({value}) => value)]));
}

function splitFilter(word: string): {readonly key: string; readonly value: string} {
  const equals = word.indexOf('=');
  if (equals < 1) throw flagInvalid('--filter', `${quote(word)} has no key`, '--filter KEY=value');
  return {key: word.slice(0, equals), value: word.slice(equals + 1)};
}
