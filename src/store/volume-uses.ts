import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import type {StorePaths} from './paths.ts';
import {namesIn, unlessGone} from './unless-gone.ts';

/** The note of a kept container, in its directory: a name of a volume a line. */
export const VOLUMES_FILE = 'volumes';

/** The volumes that kept containers mount, each with the ids of those containers. */
export function listVolumeUses({kept}: Pick<StorePaths, 'kept'>): ReadonlyMap<string, readonly string[]> {
  const uses = new Map<string, string[]>();
  // Locks, and what is not there yet or no more.
  for (const id of namesIn(kept).filter((name) => !name.startsWith('.'))) {
    const note = unlessGone(() => readFileSync(join(kept, id, VOLUMES_FILE), 'utf8'), '');
    for (const volume of new Set(note.split('\n').filter((line) => line !== ''))) {
      uses.set(volume, [...(uses.get(volume) ?? []), id]);
    }
  }
  return uses;
}
