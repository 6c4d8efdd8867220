import {rm} from 'node:fs/promises';
import {storageError} from '../../host/storage-error.ts';
import type {Store} from '../../store/store.ts';
import type {Finding} from './finding.ts';
import type {Repair} from './repair.ts';

/** Writes the files again by which other tools read the store, where they say something else than its database. */
export async function rewriteLayout(store: Store, findings: readonly Finding[]): Promise<readonly Repair[]> {
  const stale = findings.filter(({code}) => code === 'LAYOUT_STALE');
  if (stale.length === 0) return [];
  const {layoutIndex} = store.paths;
  await rm(layoutIndex, {recursive: true, force: true}).catch((error: unknown) => {
    throw storageError(error, layoutIndex);
  });
  await store.write(() => {});
  return stale.map((finding) => ({finding, outcome: 'repaired', detail: 'written again from the database'}));
}
