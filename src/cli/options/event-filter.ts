import type {EventFilters} from '../../store/store-event.ts';
import {flagInvalid, quote} from '../arguments/usage-error.ts';

const KEYS: readonly (keyof EventFilters)[] = ['type', 'event', 'container', 'image', 'volume', 'network', 'label'];
const TYPES: readonly string[] = ['container', 'image', 'network', 'volume'];

/**
 * Reads `--filter`s of events.
 *
 * @throws {WinchError} `FLAG_INVALID`
 */
export function parseEventFilters(words: readonly string[]): EventFilters {
  const byKey = Map.groupBy(words.map(parseFilter), ({key}) => key);
  return Object.fromEntries([...byKey].map(([key, filters]) => [key, filters.map(({value}) => value)]));
}

function parseFilter(word: string): {readonly key: keyof EventFilters; readonly value: string} {
  const equals = word.indexOf('=');
  const key = KEYS.find((known) => known === word.slice(0, Math.max(equals, 0)));
  const value = word.slice(equals + 1);
  if (key && value !== '' && (key !== 'type' || TYPES.includes(value))) return {key, value};
  const expected = `--filter type= (${TYPES.join(', ')}), ${KEYS.slice(1, -1).join('=, ')}= or label=`;
  throw flagInvalid('--filter', `${quote(word)} is not understood`, expected);
}
