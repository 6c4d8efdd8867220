import type {VolumeDetails} from '../../containers/volumes/list-volumes.ts';
import {VOLUME_DRIVER} from '../../docker-json/volume-driver.ts';
import {hasLabel, type KeyFilter, parseKeyFilter, whether} from './key-filter.ts';

const FILTER: KeyFilter<VolumeDetails> = {
  questions: {
    name: (value) => (volume) => volume.name.includes(value),
    label: hasLabel,
    dangling: whether((volume) => volume.usedBy.length === 0),
    driver: (value) => () => value === VOLUME_DRIVER,
  },
  expected: '--filter name=, label=, driver= or dangling=true|false',
};

/**
 * Reads `--filter`s of volumes into one question.
 *
 * @throws {WinchError} `FLAG_INVALID`
 */
export const parseVolumeFilter = (words: readonly string[]): ((volume: VolumeDetails) => boolean) =>
  parseKeyFilter(words, FILTER);
