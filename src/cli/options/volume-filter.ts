import type {VolumeDetails} from '../../containers/volumes/list-volumes.ts';
import {flagInvalid, quote} from '../arguments/usage-error.ts';
import {VOLUME_DRIVER} from '../render/volumes.ts';

type VolumeFilter = (volume: VolumeDetails) => boolean;

/** What a filter of each key asks, given its value. */
const QUESTIONS: Readonly<Record<string, (value: string) => VolumeFilter>> = {
  name: (value) => (volume) => volume.name.includes(value),
  label: (value) => (volume) => hasLabel(volume, value),
  dangling: (value) => (volume) => (volume.usedBy.length === 0) === (value === 'true'),
  driver: (value) => () => value === VOLUME_DRIVER,
};

/**
 * Reads `--filter`s of volumes into one question. As docker has it, filters of one key are alternatives, but every label
 * must be there, and those of different keys must all hold.
 *
 * @throws {WinchError} `FLAG_INVALID`
 */
export function parseVolumeFilter(words: readonly string[]): VolumeFilter {
  const byKey = Map.groupBy(words.map(parseFilter), ({key}) => key);
  return (volume) =>
    [...byKey].every(([key, filters]) =>
      key === 'label' ? filters.every(({accepts}) => accepts(volume)) : filters.some(({accepts}) => accepts(volume)),
    );
}

function parseFilter(word: string): {readonly key: string; readonly accepts: VolumeFilter} {
  const equals = word.indexOf('=');
  const [key, value] = [word.slice(0, Math.max(equals, 0)), word.slice(equals + 1)];
  const question = Object.hasOwn(QUESTIONS, key) ? QUESTIONS[key] : undefined;
  if (question && value !== '' && (key !== 'dangling' || value === 'true' || value === 'false')) {
    return {key, accepts: question(value)};
  }
  const expected = '--filter name=, label=, driver= or dangling=true|false';
  throw flagInvalid('--filter', `${quote(word)} is not understood`, expected);
}

function hasLabel({labels}: VolumeDetails, value: string): boolean {
  const equals = value.indexOf('=');
  const name = equals < 0 ? value : value.slice(0, equals);
  return Object.hasOwn(labels, name) && (equals < 0 || labels[name] === value.slice(equals + 1));
}
