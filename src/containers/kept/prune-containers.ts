import type {CallOptions} from '../../events.ts';
import {type LabelFilter, matchesLabels} from '../../images/prune-filter.ts';
import {measureTree} from '../../store/file-sizes.ts';
import type {ContainerContext} from '../context.ts';
import {placesOf, tryLockContainer} from './places.ts';
import {readState} from './read-state.ts';
import {findRecord, type KeptRecord, listRecords} from './record.ts';
import {removeStopped, sweepPassing} from './remove-container.ts';

export interface PruneContainersOptions extends CallOptions {
  /** Milliseconds since 1970: only containers that were made before. */
  readonly createdBefore?: number | undefined;
  /** All must hold. */
  readonly labels?: readonly LabelFilter[] | undefined;
}

export interface PrunedContainers {
  /** Ids. */
  readonly deleted: readonly string[];
  /** What they had written, logs included, in bytes. */
  readonly freedBytes: number;
}

/** Removes the containers that do not run, with all that they have written; those that somebody is at are left. */
export async function pruneContainers(
  context: ContainerContext,
  {createdBefore, labels = [], signal}: PruneContainersOptions = {},
): Promise<PrunedContainers> {
  await sweepPassing(context);
  const deleted: string[] = [];
  let freedBytes = 0;
  for (const record of listRecords(context)) {
    signal?.throwIfAborted();
    const isOld = createdBefore === undefined || Date.parse(record.created) < createdBefore;
    if (!isOld || !matchesLabels(record.labels, labels)) continue;
    const bytes = measureTree(placesOf(context, record.id).directory);
    if (!(await removeUnlessBusy(context, record))) continue;
    deleted.push(record.id);
    freedBytes += bytes;
  }
  return {deleted, freedBytes};
}

async function removeUnlessBusy(context: ContainerContext, {id}: KeptRecord): Promise<boolean> {
  using lock = tryLockContainer(context, id);
  const record = lock && findRecord(context, id);
  if (!record || (await readState(context, record)).state === 'running') return false;
  await removeStopped(context, record);
  return true;
}
