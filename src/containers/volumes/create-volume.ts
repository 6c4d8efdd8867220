import {randomBytes} from 'node:crypto';
import {chmodSync, existsSync, mkdirSync, renameSync} from 'node:fs';
import {join} from 'node:path';
import type {CallOptions} from '../../events.ts';
import {ensureDirectory, syncDirectory, writeFileAtomic} from '../../host/atomic-write.ts';
import {removeAsRoot} from '../../host/remove-as-root.ts';
import {storageError} from '../../host/storage-error.ts';
import {namesIn} from '../../store/unless-gone.ts';
import type {ContainerContext} from '../context.ts';
import {recordVolumeEvent} from '../record-events.ts';
import {lockVolumes, PASSING, placesOfVolume, requireVolumeName, volumePlaces} from './places.ts';
import {findVolume, requireVolume, type Volume, type VolumeRecord} from './volume.ts';

export interface VolumeRequest {
  /** Absent: a random one, as of a volume that nobody names. */
  readonly name?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

const NAME_BYTES = 32;

/**
 * Makes an empty volume; one of this name that is there already stays as it is.
 *
 * It is there as a whole or not at all.
 *
 * @throws {WinchError} `VOLUME_NAME_INVALID` | of the store
 */
export async function createVolume(
  context: ContainerContext,
  {name, labels = {}}: VolumeRequest = {},
  {signal}: CallOptions = {},
): Promise<Volume> {
  if (name !== undefined) requireVolumeName(name);
  await beginStore(context);
  using _lock = await lockVolumes(context, signal);
  const isAnonymous = name === undefined;
  return await ensureVolume(context, {name: name ?? randomVolumeName(), labels, isAnonymous});
}

export const randomVolumeName = (): string => randomBytes(NAME_BYTES).toString('hex');

/** A store may begin with a volume. */
export async function beginStore({store}: ContainerContext): Promise<void> {
  if (!existsSync(store.paths.database)) await store.write(() => {});
}

/** As `createVolume`. Whoever calls holds the lock of all volumes. */
export async function ensureVolume(context: ContainerContext, request: Omit<VolumeRecord, 'created'>): Promise<Volume> {
  const {name} = request;
  const existing = findVolume(context, name);
  if (existing) return existing;
  const {volumes} = context.store.paths;
  const staged = join(volumes, `${PASSING}new-${name}`);
  try {
    await sweepVolumes(context);
    await writeVolume(context, {...request, created: new Date(context.now()).toISOString()}, staged);
    renameSync(staged, placesOfVolume(context, name).directory);
    recordVolumeEvent(context, 'create', name);
    if (context.store.durability === 'full') await syncDirectory(volumes);
  } catch (error) {
    await removeAsRoot(staged);
    throw storageError(error, staged);
  }
  return requireVolume(context, name);
}

async function writeVolume({store}: ContainerContext, record: VolumeRecord, staged: string): Promise<void> {
  const {durability} = store;
  const places = volumePlaces(staged);
  await ensureDirectory(staged, durability);
  makeData(places.data);
  const text = `${JSON.stringify(record, null, 2)}\n`;
  await writeFileAtomic(places.record, Buffer.from(text), {durability, mode: 0o600});
}

/** The process's umask must not decide who may read there. */
export function makeData(path: string): void {
  mkdirSync(path, {mode: 0o755});
  chmodSync(path, 0o755);
}

/** Removes what killed processes left of volumes that they were making or removing. Whoever calls holds the lock. */
export async function sweepVolumes({store}: ContainerContext): Promise<void> {
  const {volumes} = store.paths;
  const left = namesIn(volumes).filter((name) => /^\.(?:new|gone)-/.test(name));
  for (const name of left) await removeAsRoot(join(volumes, name));
}
