import {accessSync, constants, existsSync} from 'node:fs';
import {statfs} from 'node:fs/promises';
import {dirname} from 'node:path';
import {hasErrno} from '../errors.ts';
import {readCgroups} from '../host/cgroups.ts';
import {findDelegatedCgroup} from '../host/delegated-cgroup.ts';
import {readUnifiedLimits} from '../host/unified-limits.ts';
import {chooseSnapshotter} from '../snapshots/choose-snapshotter.ts';
import {SNAPSHOTTERS, type SnapshotterName} from '../snapshots/snapshotter.ts';
import type {ContainerContext} from './context.ts';
import {diagnoseBackground} from './diagnose-background.ts';
import {diagnoseNetwork} from './diagnose-network.ts';
import {diagnoseUser, type UserRights} from './diagnose-user.ts';
import {readRuntime} from './read-info.ts';

/** One thing that a run needs or can use. */
export interface Check {
  readonly name: string;
  /** `limited`: runs work without it, less well. */
  readonly state: 'ok' | 'limited' | 'missing';
  /** What was found. */
  readonly detail: string;
  /** A command line that adds what is missing; null: nothing is, or nothing helps. */
  readonly remedy: string | null;
}

export interface Diagnosis {
  /** Whether images can be run here. */
  readonly canRun: boolean;
  readonly checks: readonly Check[];
}

export interface DiagnosisRequest {
  /** Who is not root; null: root. */
  readonly user: UserRights | null;
}

const ROOM_BYTES = 1_000_000_000;
const GIGABYTE = 1_000_000_000;
/** By statfs(2)'s f_type. */
const FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
  [0xef53, 'ext4'],
  [0x5846_5342, 'xfs'],
  [0x9123_683e, 'btrfs'],
  [0x0102_1994, 'tmpfs'],
  [0x2fc1_2fc1, 'zfs'],
  [0x794c_7630, 'overlay'],
  [0x6969, 'nfs'],
  [0x6573_5546, 'fuse'],
  [0x0102_1997, '9p'],
]);
/** SQLite's locks do not hold between machines. */
const SHARED_FILE_SYSTEMS: readonly string[] = ['nfs', '9p'];
const DRIVER_REMEDIES: Readonly<Record<SnapshotterName, string | null>> = {
  erofs: 'modprobe erofs',
  overlay: 'modprobe overlay',
  'fuse-overlayfs': 'apt-get install fuse-overlayfs',
  copy: null,
};

/** Looks for everything that running an image needs here, with what adds each missing piece. */
export async function diagnose(context: ContainerContext, {user}: DiagnosisRequest): Promise<Diagnosis> {
  const drivers = await diagnoseDrivers(context, user);
  const checks = [
    await diagnoseRuntime(user),
    ...(user === null ? [] : diagnoseUser(user, context.runtimeDirectory)),
    ...drivers,
    diagnoseBackground(user, context.runtimeDirectory),
    diagnoseCgroups(user),
    diagnoseNetwork(user),
    ...(await diagnoseStore(context.store.paths.root)),
  ];
  return {canRun: checks.every(({state}) => state !== 'missing'), checks};
}

async function diagnoseRuntime(user: UserRights | null): Promise<Check> {
  const {path, version, reason} = await readRuntime();
  if (path !== null) return found('runtime', `${path} ${version ?? ''}`.trimEnd());
  return {
    name: 'runtime',
    state: 'missing',
    detail: reason ?? 'none',
    remedy: `${user === null ? '' : 'sudo '}apt-get install runc`,
  };
}

/** One is enough; those behind it are not needed, and those before it would be better. */
async function diagnoseDrivers(context: ContainerContext, user: UserRights | null): Promise<readonly Check[]> {
  const {runtimeDirectory, store} = context;
  const question = {runtimeDirectory, storeDirectory: store.paths.ingest};
  const checks: Check[] = [];
  for (const forced of SNAPSHOTTERS) {
    const {usable, reason} = await chooseSnapshotter({...question, forced});
    const name = `driver ${forced}`;
    if (usable) return [...checks, found(name, 'images are run with it')];
    const remedy = user === null ? DRIVER_REMEDIES[forced] : null;
    checks.push({name, state: 'limited', detail: reason ?? 'does not work here', remedy});
  }
  return checks.map((check, index) => (index === 0 ? {...check, state: 'missing'} : check));
}

function diagnoseCgroups(user: UserRights | null): Check {
  const cgroups = readCgroups();
  const {version, controllers, unified} = cgroups;
  if (user === null) return found('limits', `cgroups ${version}`);
  const place = findDelegatedCgroup(cgroups);
  const delegated = place === null || unified === null ? [] : readUnifiedLimits(unified, place).controllers;
  if (delegated.length > 0) return found('limits', `cgroups ${version}, delegated: ${delegated.join(', ')}`);
  const detail = `cgroups ${version}${controllers.size > 0 ? '' : ', not delegated'}: memory, cpus and pids cannot be limited, nor containers paused`;
  // What systemd starts for a user is in cgroups that are delegated.
  const remedy = version === 'v2' && existsSync('/run/systemd/system') ? 'systemd-run --user --scope winch …' : null;
  return {name: 'limits', state: 'limited', detail, remedy};
}

async function diagnoseStore(root: string): Promise<readonly Check[]> {
  const place = findExisting(root);
  const {type, bavail, bsize} = await statfs(place);
  const fileSystem = FILE_SYSTEMS.get(type) ?? `file system 0x${type.toString(16)}`;
  const isShared = SHARED_FILE_SYSTEMS.includes(fileSystem);
  const detail = `${root} (${fileSystem})`;
  const freeBytes = bavail * bsize;
  const free = `${(freeBytes / GIGABYTE).toFixed(1)} GB free`;
  return [
    mayWrite(place)
      ? {
          ...found('store', isShared ? `${detail}: for one machine at a time` : detail),
          state: isShared ? 'limited' : 'ok',
        }
      : {name: 'store', state: 'missing', detail: `${detail} cannot be written`, remedy: 'export WINCH_ROOT=DIRECTORY'},
    freeBytes >= ROOM_BYTES
      ? found('space', free)
      : {name: 'space', state: 'limited', detail: free, remedy: 'winch prune'},
  ];
}

const found = (name: string, detail: string): Check => ({name, state: 'ok', detail, remedy: null});

/** The store may not have been made yet. */
function findExisting(path: string): string {
  try {
    accessSync(path);
    return path;
  } catch (error) {
    if (!hasErrno(error, 'ENOENT') || dirname(path) === path) return path;
    return findExisting(dirname(path));
  }
}

function mayWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
    return true;
  } catch (error) {
    if (hasErrno(error, 'EACCES', 'EROFS', 'EPERM', 'ENOTDIR', 'ENOENT')) return false;
    throw error;
  }
}
