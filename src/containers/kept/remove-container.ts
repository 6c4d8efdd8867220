import {renameSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {WinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import {syncDirectory} from '../../host/atomic-write.ts';
import {removeAsRoot} from '../../host/remove-as-root.ts';
import {storageError} from '../../host/storage-error.ts';
import {namesIn} from '../../store/unless-gone.ts';
import type {ContainerContext} from '../context.ts';
import {recordContainerEvents} from '../record-events.ts';
import {volumesOf} from '../volumes/mounted-volumes.ts';
import {removeAnonymous} from '../volumes/remove-volume.ts';
import {clearRemains} from './clear-remains.ts';
import {nameOf, requireContainer, unknownContainer} from './find-container.ts';
import {lockContainer, lockFile, PASSING, placesOf, tryLockContainer} from './places.ts';
import {readState} from './read-state.ts';
import {findRecord, type KeptRecord} from './record.ts';
import {endContainer} from './stop-container.ts';
import {letWaitersSee} from './wait-for-exit.ts';

export interface RemoveContainerOptions extends CallOptions {
  /** Ends a container that runs, with SIGKILL. */
  readonly force?: boolean | undefined;
  /** Removes with it the volumes that were made for it without a name. */
  readonly removesVolumes?: boolean | undefined;
}

/**
 * Removes a container and all that it has written.
 *
 * @returns its id.
 * @throws {WinchError} `CONTAINER_UNKNOWN` | `CONTAINER_AMBIGUOUS` | `CONTAINER_RUNNING`
 */
export async function removeContainer(
  context: ContainerContext,
  text: string,
  {force = false, removesVolumes = false, signal, onEvent}: RemoveContainerOptions = {},
): Promise<string> {
  const {id} = requireContainer(context, text);
  using _lock = await lockContainer(context, id, signal);
  const record = findRecord(context, id);
  if (!record) {
    rmSync(lockFile(context, id), {force: true});
    throw unknownContainer(text);
  }
  const {state} = await readState(context, record);
  if (state === 'running' && !force) throw stillRunning(record);
  if (state === 'running') await endContainer(context, record, {signal});
  await removeStopped(context, record, {onEvent});
  if (removesVolumes) await removeAnonymous(context, volumesOf(record.container));
  return id;
}

/**
 * Removes a container for having ended, once those who wait for it know its code, or clears what it has left where it
 * stays; one that is gone or runs again is left.
 */
export async function removeEnded(context: ContainerContext, id: string): Promise<void> {
  using _lock = await lockContainer(context, id);
  const record = findRecord(context, id);
  if (!record || (await readState(context, record)).state === 'running') return;
  if (!record.autoRemove) return await clearRemains(context, record);
  await letWaitersSee(context, id);
  await removeStopped(context, record);
}

/** Whoever calls holds the lock of the container, which does not run. */
export async function removeStopped(
  context: ContainerContext,
  record: KeptRecord,
  options: Pick<CallOptions, 'onEvent'> = {},
): Promise<void> {
  const {store} = context;
  await clearRemains(context, record, options);
  const passing = join(store.paths.kept, `${PASSING}gone-${record.id}`);
  try {
    renameSync(placesOf(context, record.id).directory, passing);
    recordContainerEvents(context, record, [{action: 'destroy'}]);
    if (store.durability === 'full') await syncDirectory(store.paths.kept);
    await removeAsRoot(passing);
    rmSync(lockFile(context, record.id), {force: true});
  } catch (error) {
    throw storageError(error, store.paths.kept);
  }
  if (record.autoRemove) await removeAnonymous(context, volumesOf(record.container));
}

/** Removes what killed processes left of containers that they were making or removing. */
export async function sweepPassing(context: ContainerContext): Promise<void> {
  const {kept} = context.store.paths;
  for (const name of namesIn(kept)) {
    const id = /^\.(?:new|gone)-([0-9a-f]+)$/.exec(name)?.[1];
    if (id === undefined) continue;
    using lock = tryLockContainer(context, id);
    if (lock === null) continue;
    await removeAsRoot(join(kept, name));
    rmSync(lockFile(context, id), {force: true});
  }
}

const stillRunning = (record: KeptRecord): WinchError =>
  new WinchError('CONTAINER_RUNNING', `container ${nameOf(record)} is running`, {
    kind: 'invalid',
    hint: 'stop it first',
  });
