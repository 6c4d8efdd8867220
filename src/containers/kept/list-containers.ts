import {existsSync} from 'node:fs';
import {join} from 'node:path';
import type {CallOptions} from '../../events.ts';
import type {NetworkMode} from '../../network/network-mode.ts';
import {type Digest, digestHex} from '../../oci/digest.ts';
import {familiarReference, parseReference} from '../../oci/reference.ts';
import {measureTree} from '../../store/file-sizes.ts';
import {findImagesById} from '../../store/image-records.ts';
import {tagsOf} from '../../store/tags.ts';
import type {ContainerContext} from '../context.ts';
import {volatileParent} from '../directories.ts';
import type {ContainerHealth} from '../health/health-log.ts';
import {healthAt, placeOfKept, placeOfRun} from '../health/health-place.ts';
import {watchAgain} from '../health/watch-kept.ts';
import {type ContainerNetworks, readKeptNetworks, readNetworks} from '../networks/read-networks.ts';
import {clearRemains} from './clear-remains.ts';
import {isPaused} from './is-paused.ts';
import {listRuns, type OneShotRun} from './one-shot-runs.ts';
import {endDeadPause} from './passing-pause.ts';
import {placesOf, tryLockContainer, volatileDirectory} from './places.ts';
import {type ContainerState, readState} from './read-state.ts';
import {findRecord, type KeptRecord, listRecords} from './record.ts';
import {removeStopped, sweepPassing} from './remove-container.ts';
import {letWaitersSee} from './wait-for-exit.ts';

export interface ContainerSummary extends ContainerState, ContainerNetworks {
  readonly id: string;
  /** Null: it was given none. */
  readonly name: string | null;
  /** As it was asked for; of a run its name in the store, and null for a bundle. */
  readonly image: string | null;
  readonly imageId: string | null;
  readonly command: readonly string[];
  /** ISO 8601. */
  readonly created: string;
  readonly labels: Readonly<Record<string, string>>;
  /** What is mounted in it besides its image; of a run in the foreground that is not known. */
  readonly mounts: readonly {readonly source: string | null; readonly target: string}[];
  /** What it was made with; absent: its own network is empty, or nothing is known of it. */
  readonly networkMode?: NetworkMode;
  /** How it does in its checks; null: it is not checked, or has never been started. */
  readonly health: ContainerHealth | null;
  /** Whether it outlives its command; a `run` in the foreground is gone when it ends. */
  readonly isKept: boolean;
  /**
   * What it has written to its root file system, in bytes; with the copy driver, all that is in it. Absent when that was not
   * asked for.
   */
  readonly writtenBytes?: number;
}

export interface ListContainersOptions extends CallOptions {
  /** Whether to measure what each has written. */
  readonly size?: boolean | undefined;
}

/**
 * The containers of the store, the latest first, with the runs in the foreground that are going on.
 *
 * Clears what containers have left that ended meanwhile, and lets those go on that somebody has paused who was killed.
 */
export async function listContainers(
  context: ContainerContext,
  {size = false, signal, onEvent}: ListContainersOptions = {},
): Promise<readonly ContainerSummary[]> {
  await sweepPassing(context);
  const containers: ContainerSummary[] = [];
  for (const run of await listRuns(context, {onEvent})) {
    await endDeadPause(context, {id: run.id, directory: join(volatileParent(context), run.id)});
    containers.push(summaryOfRun(context, run));
  }
  for (const record of listRecords(context)) {
    signal?.throwIfAborted();
    await endDeadPause(context, {id: record.id, directory: volatileDirectory(context, record.id)});
    const state = await readState(context, record);
    if (state.pid !== null) watchAgain(context, record, state.pid);
    if (state.state === 'running' || !(await settle(context, record, {onEvent})))
      containers.push(summaryOf(context, record, state));
  }
  const listed = containers.toSorted((a, b) => b.created.localeCompare(a.created) || a.id.localeCompare(b.id));
  return size ? listed.map((container) => ({...container, writtenBytes: measure(context, container)})) : listed;
}

const measure = (context: ContainerContext, {id, isKept}: ContainerSummary): number =>
  measureTree(isKept ? placesOf(context, id).writable : join(context.store.paths.containers, id));

/**
 * Does for a container that does not run what was to be done at its end.
 *
 * @returns whether it was removed.
 */
async function settle(
  context: ContainerContext,
  record: KeptRecord,
  options: Pick<CallOptions, 'onEvent'>,
): Promise<boolean> {
  if (!record.autoRemove && !existsSync(volatileDirectory(context, record.id))) return false;
  using lock = tryLockContainer(context, record.id);
  // Somebody is at it: its conmon, perhaps, or a start.
  if (lock === null) return false;
  if (!findRecord(context, record.id)) return true;
  const {state} = await readState(context, record);
  if (state === 'running') return false;
  if (record.autoRemove && state === 'exited') {
    await letWaitersSee(context, record.id);
    await removeStopped(context, record, options);
    return true;
  }
  await clearRemains(context, record, options);
  return false;
}

export function summaryOf(context: ContainerContext, record: KeptRecord, state: ContainerState): ContainerSummary {
  const {id, name, image, imageId, command, created, labels} = record;
  const directory = volatileDirectory(context, id);
  const known = {id, name, image, imageId, command, created, labels, mounts: mountsOf(record)};
  const health = healthAt(placeOfKept(context, record));
  // As docker has it: what does not run does no work.
  const current = health && state.state !== 'running' ? {...health, status: 'unhealthy' as const} : health;
  const networks = readKeptNetworks(context, directory, record.container);
  const {network: networkMode} = record.container;
  return {...known, ...(networkMode && {networkMode}), isKept: true, health: current, ...state, ...networks};
}

const mountsOf = ({container: {mounts = []}}: Pick<KeptRecord, 'container'>): ContainerSummary['mounts'] =>
  mounts.map((mount) => ({source: 'source' in mount ? (mount.source ?? null) : null, target: mount.target}));

export const summaryOfRun = (
  context: ContainerContext,
  {id, name, imageId, command, created, labels, container}: OneShotRun,
) => ({
  ...{id, name, imageId, command, created, labels},
  image: imageId === null ? null : nameOfImage(context, imageId),
  mounts: mountsOf({container}),
  isKept: false,
  health: healthAt(placeOfRun(join(volatileParent(context), id))),
  ...readNetworks(join(volatileParent(context), id)),
  state: 'running' as const,
  isPaused: isPaused({id, directory: join(volatileParent(context), id)}),
  isRestarting: false,
  pid: null,
  startedAt: created,
  finishedAt: null,
  exitCode: null,
  outOfMemory: false,
  lostBecause: null,
});

function nameOfImage({store}: ContainerContext, imageId: string): string {
  const tags = store.read(
    (database) =>
      findImagesById(database, digestHex(imageId as Digest)).flatMap(({manifestDigest}) =>
        tagsOf(database, manifestDigest),
      ),
    [],
  );
  const [tag] = tags;
  return tag ? familiarReference(parseReference(tag.reference)) : imageId;
}
