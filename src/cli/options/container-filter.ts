import {type ContainerFilter, createContainerFilter} from '../../containers/kept/container-filter.ts';
import {flagInvalid, quote} from '../arguments/usage-error.ts';

/**
 * Reads `--filter`s (`KEY=value`) into one question.
 *
 * @throws {WinchError} `FLAG_INVALID` | `FILTER_INVALID`; what is returned throws `CONTAINER_UNKNOWN`
 */
export function parseContainerFilter(words: readonly string[]): ContainerFilter {
  const byKey = Map.groupBy(words.map(splitFilter), ({key}) => key);
  return createContainerFilter(
    Object.fromEntries([...byKey].map(([key, filters]) => [key, filters.map(({value}) => value)])),
  );
}

function splitFilter(word: string): {readonly key: string; readonly value: string} {
  const equals = word.indexOf('=');
  if (equals < 1) throw flagInvalid('--filter', `${quote(word)} has no key`, '--filter KEY=value');
  return {key: word.slice(0, equals), value: word.slice(equals + 1)};
}
