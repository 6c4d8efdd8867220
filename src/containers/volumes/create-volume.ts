import {chmodSync, existsSync, mkdirSync, renameSync} from 'node:fs';
import {isAbsolute, join} from 'node:path';
import type {MountedDevice} from '../../bundle/container-options.ts';
import {WinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import {ensureDirectory, syncDirectory, writeFileAtomic} from '../../host/atomic-write.ts';
import {randomHex} from '../../host/random-hex.ts';
import {removeAsRoot} from '../../host/remove-as-root.ts';
import {storageError} from '../../host/storage-error.ts';
import {excerpt} from '../../oci/excerpt.ts';
import {namesIn} from '../../store/unless-gone.ts';
import type {ContainerContext} from '../context.ts';
import {recordVolumeEvent} from '../record-events.ts';
import {isBind} from './mounted-volumes.ts';
import {lockVolumes, PASSING, placesOfVolume, requireVolumeName, volumePlaces} from './places.ts';
import {findVolume, requireVolume, type Volume, type VolumeRecord} from './volume.ts';

export interface VolumeRequest {
  /** Absent: a random one, as of a volume that nobody names. */
  readonly name?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** What each container that uses it mounts for itself; absent: a directory of the store. */
  readonly mounts?: MountedDevice | undefined;
}

const NAME_BYTES = 32;
/** Of mount(2): one page. */
const OPTIONS_LIMIT_BYTES = 4095;
const BIND_WORDS: readonly string[] = ['bind', 'rbind', 'ro', 'rw'];

/**
 * Makes an empty volume; one of this name that is there already stays as it is.
 *
 * It is there as a whole or not at all.
 *
 * @throws {WinchError} `VOLUME_NAME_INVALID` | `VOLUME_INVALID`: it mounts what cannot be | of the store
 */
export async function createVolume(
  context: ContainerContext,
  {name, labels = {}, mounts}: VolumeRequest = {},
  {signal}: CallOptions = {},
): Promise<Volume> {
  if (name !== undefined) requireVolumeName(name);
  await beginStore(context);
  using _lock = await lockVolumes(context, signal);
  const isAnonymous = name === undefined;
  const record = {name: name ?? randomVolumeName(), labels, isAnonymous, ...(mounts && {mounts})};
  return await ensureVolume(context, record);
}

export const randomVolumeName = (): string => randomHex(NAME_BYTES);

/** A store may begin with a volume. */
export async function beginStore({store}: ContainerContext): Promise<void> {
  if (!existsSync(store.paths.database)) await store.write(() => {});
}

/** As `createVolume`. Whoever calls holds the lock of all volumes. */
export async function ensureVolume(context: ContainerContext, request: Omit<VolumeRecord, 'created'>): Promise<Volume> {
  const {name} = request;
  const existing = findVolume(context, name);
  if (existing) return existing;
  if (request.mounts) requireMountable(request.mounts);
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

/** @throws {WinchError} `VOLUME_INVALID` */
function requireMountable({type, device, options}: MountedDevice): void {
  if (!/^[\w.-]{1,64}$/.test(type)) throw invalidMount(`${excerpt(type)} is no type of a file system`);
  if (device === '' || device.includes('\0')) throw invalidMount('the device of the volume is missing');
  if (isBind({type, device, options})) requireBindable(device, options.split(','));
  if (options.length > OPTIONS_LIMIT_BYTES || options.includes('\0'))
    throw invalidMount('its options are no text of a page');
}

function requireBindable(device: string, words: readonly string[]): void {
  if (!isAbsolute(device)) throw invalidMount(`the directory ${excerpt(device)} of the volume is no absolute path`);
  const other = words.find((word) => word !== '' && !BIND_WORDS.includes(word));
  if (other !== undefined)
    throw invalidMount(`a directory takes no option but ${BIND_WORDS.join(', ')}: ${excerpt(other)}`);
}

const invalidMount = (problem: string): WinchError => new WinchError('VOLUME_INVALID', problem, {kind: 'invalid'});

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
