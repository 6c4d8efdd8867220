import {createKeyFilter, type Filters, hasLabel, type KeyFilter, type Question, whether} from '../key-filter.ts';
import type {VolumeDetails} from './list-volumes.ts';

/** Docker's word for what keeps volumes in directories of this machine. */
const DRIVER = 'local';

const FILTER: KeyFilter<VolumeDetails> = {
  what: 'volumes',
  questions: {
    name: (value) => (volume) => volume.name.includes(value),
    label: hasLabel,
    dangling: whether((volume) => volume.usedBy.length === 0),
    driver: (value) => () => value === DRIVER,
  },
  expected: 'name=, label=, driver= or dangling=true|false',
};

/** Makes a choice among volumes. @throws {WinchError} `FILTER_INVALID` */
export const createVolumeFilter = (filters: Filters): Question<VolumeDetails> => createKeyFilter(filters, FILTER);
