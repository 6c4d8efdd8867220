import {WinchError} from '../errors.ts';
import {excerpt} from '../oci/excerpt.ts';
import type {RuntimeMount} from '../oci/runtime-spec.ts';
import type {ContainerOptions} from './container-options.ts';
import {createDefaultMounts} from './default-mounts.ts';
import {convertMountRequest} from './mount-request.ts';

/** Paths on the host of the files that tell a container its name and its neighbours. */
export interface NetworkFilePaths {
  readonly hosts: string;
  readonly hostname: string;
  readonly resolvConf: string;
}

export interface MountsInput {
  readonly options: ContainerOptions;
  /** Null: the image's own files show. */
  readonly networkFiles: NetworkFilePaths | null;
  readonly canLockRecursively: boolean;
}

/** Stay writable under a read-only rootfs, as with docker: programs need them, and nothing of them is the image's. */
const ALWAYS_WRITABLE: readonly string[] = ['/proc', '/dev', '/dev/pts', '/dev/shm', '/dev/mqueue'];

/** Where docker's users expect nothing: covers no path of an image, since `/dev` is a file system of its own. */
const INIT_TARGET = '/dev/init';
/** With a `/dev` that the caller mounts, the file would be made on the host. */
const INIT_TARGET_OUTSIDE_DEV = '/run/winch-init';

/**
 * All mounts of a container, parents before children: the kernel's file systems, the network's files, the init program,
 * and what the caller asks. A mount of the caller takes the place of ours; a `/dev` of the caller of all below it too.
 *
 * @throws {WinchError} `MOUNT_INVALID`, also for two mounts at one target.
 */
export function createMounts({options, networkFiles, canLockRecursively}: MountsInput): readonly RuntimeMount[] {
  if (options.volumesFrom?.length) throw borrowedMounts();
  const asked = (options.mounts ?? []).map((request) => convertMountRequest(request, canLockRecursively));
  refuseDuplicates(asked);
  const isReplaced = ({destination}: RuntimeMount) =>
    asked.some((mount) => mount.destination === destination) ||
    (destination.startsWith('/dev/') && mountsDevices(options));
  const own = [...createDefaultMounts(options), ...networkMounts(networkFiles)].filter((mount) => !isReplaced(mount));
  const ownInit = options.initPath === undefined ? [] : [fileMount(options.initPath, initTarget(options), ['ro'])];
  const locked = options.readOnlyRootfs === true ? own.map(lock) : own;
  return [...locked, ...ownInit, ...asked].sort((a, b) => depthOf(a) - depthOf(b));
}

/** Where the init program is mounted. */
export const initTarget = (options: ContainerOptions): string =>
  mountsDevices(options) ? INIT_TARGET_OUTSIDE_DEV : INIT_TARGET;

const mountsDevices = (options: ContainerOptions): boolean =>
  options.mounts?.some(({target}) => /^\/+dev\/*$/.test(target)) === true;

function networkMounts(files: NetworkFilePaths | null): readonly RuntimeMount[] {
  if (files === null) return [];
  return [
    fileMount(files.resolvConf, '/etc/resolv.conf'),
    fileMount(files.hostname, '/etc/hostname'),
    fileMount(files.hosts, '/etc/hosts'),
  ];
}

const fileMount = (source: string, destination: string, options: readonly string[] = []): RuntimeMount => ({
  destination,
  type: 'bind',
  source,
  options: ['bind', ...options, 'rprivate'],
});

const lock = (mount: RuntimeMount): RuntimeMount =>
  ALWAYS_WRITABLE.includes(mount.destination) || mount.options.includes('ro')
    ? mount
    : {...mount, options: [...mount.options, 'ro']};

const borrowedMounts = (): WinchError =>
  new WinchError('MOUNT_INVALID', 'mounts of another container are asked for, which only containers of a store have', {
    kind: 'invalid',
  });

const depthOf = ({destination}: RuntimeMount): number => destination.split('/').length;

function refuseDuplicates(mounts: readonly RuntimeMount[]): void {
  const seen = new Set<string>();
  for (const {destination} of mounts) {
    if (seen.has(destination)) {
      throw new WinchError('MOUNT_INVALID', `two mounts are asked at ${excerpt(destination)}`, {kind: 'invalid'});
    }
    seen.add(destination);
  }
}
