import {rmSync} from 'node:fs';
import {join} from 'node:path';
import {resolveBlockIo} from '../../bundle/block-io.ts';
import type {ContainerOptions} from '../../bundle/container-options.ts';
import {readHostFacts} from '../../bundle/host-facts.ts';
import {createResources} from '../../bundle/resources.ts';
import {WinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import {writeFileAtomic} from '../../host/atomic-write.ts';
import {definedMembers} from '../../oci/defined-members.ts';
import {openRunc} from '../../runtime/runc.ts';
import type {ContainerContext} from '../context.ts';
import {runtimeStateDirectory} from '../directories.ts';
import {recordContainerEvents} from '../record-events.ts';
import {requireContainer, unknownContainer} from './find-container.ts';
import {requireCgroupRights, requireOwnCgroup} from './own-cgroup.ts';
import {lockContainer, placesOf, volatileDirectory} from './places.ts';
import {readState} from './read-state.ts';
import {findRecord, type KeptRecord} from './record.ts';
import type {RestartPolicy} from './restart-policy.ts';

type Limits =
  | 'memoryBytes'
  | 'memorySwapBytes'
  | 'memoryReservationBytes'
  | 'cpus'
  | 'cpuShares'
  | 'cpuQuotaUs'
  | 'cpuPeriodUs'
  | 'cpusetCpus'
  | 'cpusetMems'
  | 'pidsLimit'
  | 'blkioWeight';

/** What is not said stays as it is. */
export interface ContainerChanges extends Pick<ContainerOptions, Limits> {
  /** Null: it is not to start again by itself. */
  readonly restart?: RestartPolicy | null | undefined;
}

/**
 * Changes the limits of a container, at once where it runs, and for all its starts to come.
 *
 * @returns its id.
 * @throws {WinchError} `CONTAINER_UNKNOWN` | `CONTAINER_AMBIGUOUS` | `RESOURCE_INVALID` | `CGROUP_CONTROLLER_MISSING` |
 * `CGROUP_MISSING` | `RUNTIME_FAILED`: the kernel refuses the limits, and nothing is changed
 */
export async function updateContainer(
  context: ContainerContext,
  text: string,
  changes: ContainerChanges,
  {signal}: CallOptions = {},
): Promise<string> {
  const {id} = requireContainer(context, text);
  using _lock = await lockContainer(context, id, signal);
  const record = findRecord(context, id);
  if (!record) throw unknownContainer(text);
  const {restart: _restart, ...limits} = changes;
  const changesLimits = Object.values(limits).some((limit) => limit !== undefined);
  if (changesLimits) requireCgroupRights(record);
  const updated = applyChanges(record, changes);
  const {blkioWeight} = updated.container;
  // What is limited of single disks stays: the runtime changes nothing of that.
  const blockIo = resolveBlockIo(definedMembers({blkioWeight}));
  const resources = createResources(updated.container, readHostFacts().cgroup, {rules: [], ...(blockIo && {blockIo})});
  const {state} = await readState(context, record);
  if (changesLimits && state === 'running') await changeRunning(context, updated, resources);
  const {durability} = context.store;
  const bytes = Buffer.from(`${JSON.stringify(updated, null, 2)}\n`);
  await writeFileAtomic(placesOf(context, id).record, bytes, {durability, mode: 0o600});
  recordContainerEvents(context, updated, [{action: 'update'}]);
  return id;
}

function applyChanges(record: KeptRecord, {restart, ...limits}: ContainerChanges): KeptRecord {
  const {restart: before, ...rest} = record;
  const policy = restart === undefined ? before : restart;
  return {...rest, container: {...record.container, ...limits}, ...(policy && {restart: policy})};
}

async function changeRunning(
  context: ContainerContext,
  record: KeptRecord,
  resources: ReturnType<typeof createResources>,
): Promise<void> {
  const {id, runtime: path} = record;
  const directory = volatileDirectory(context, id);
  requireOwnCgroup({...record, directory});
  const file = join(directory, 'resources.json');
  // The rules for devices are another matter, and stay.
  const {devices: _, ...limits} = resources;
  try {
    await writeFileAtomic(file, Buffer.from(JSON.stringify(limits)), {durability: 'fast', mode: 0o600});
    const runtime = openRunc({path, stateDirectory: runtimeStateDirectory(context)});
    const failure = await runtime.update(id, file);
    if (failure !== null) throw new WinchError('RUNTIME_FAILED', `${path}: ${failure}`, {kind: 'runtime'});
  } finally {
    rmSync(file, {force: true});
  }
}
