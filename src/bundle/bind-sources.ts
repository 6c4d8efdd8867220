import {closeSync, fstatSync, lstatSync, mkdirSync, openSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {hasErrno, isSystemError, WinchError} from '../errors.ts';
import {attachMount} from '../host/foreign-mounts.ts';
import {remountMapped} from '../host/mapped-mounts.ts';
import {parseMountOptions} from '../host/mount-options.ts';
import {MountFlag, type Syscalls} from '../host/syscalls.ts';
import {excerpt} from '../oci/excerpt.ts';
import type {ContainerOptions, MountedDevice, MountRequest} from './container-options.ts';
import type {JoinedIpc} from './ipc-mode.ts';

type BindRequest = Extract<MountRequest, {readonly type: 'bind'}>;

/** Opens a place without reading from it: a FIFO or a device there does nothing. */
const O_PATH = 0o10_000_000;
const SOURCES = 'sources';

export interface BindPlace {
  /** Below it they are mounted, when there is something to mount; `detachBelow` undoes that. */
  readonly directory: string;
  /** Of a user namespace that the owners of files are mapped by where a mount asks for that; null: none. */
  readonly namespaceFd: number | null;
}

/**
 * The options with every bind source, and another container's memory, opened once and mounted below another directory, from where the runtime takes it: what
 * somebody puts in its place meanwhile is not mounted (CVE-2021-30465). A missing source is made as a directory where the
 * request allows that.
 *
 * Synchronous: the mounts are of the calling thread's namespace, which must be private.
 *
 * @throws {WinchError} `MOUNT_SOURCE_MISSING` | `MOUNT_SOURCE_DENIED` | `MOUNT_SOURCE_CHANGED` | `VOLUME_MOUNT_FAILED`
 */
export function mountBindSources(
  syscalls: Syscalls,
  options: ContainerOptions,
  {directory: bundle, namespaceFd}: BindPlace,
): ContainerOptions {
  const {mounts = [], ipc} = options;
  if (!hasOpenMemory(ipc) && !mounts.some(({type}) => type === 'bind')) return options;
  const directory = join(bundle, SOURCES);
  mkdirSync(directory, {recursive: true, mode: 0o700});
  syscalls.mount('tmpfs', directory, 'tmpfs', MountFlag.noSuid | MountFlag.noDev, 'mode=700');
  return {
    ...options,
    ...(hasOpenMemory(ipc) && {ipc: mountMemory(syscalls, ipc, join(directory, 'memory'))}),
    mounts: mounts.map((mount, index) => {
      if (mount.type !== 'bind') return mount;
      const source = mountSource(syscalls, mount, join(directory, String(index)));
      if (mount.mapsOwners && namespaceFd !== null) remountMapped(syscalls, source, namespaceFd);
      return {...mount, source};
    }),
  };
}

type OpenIpc = JoinedIpc & {readonly sharedMemory: number};

const hasOpenMemory = (ipc: ContainerOptions['ipc']): ipc is OpenIpc =>
  typeof ipc === 'object' && 'sharedMemory' in ipc && typeof ipc.sharedMemory === 'number';

function mountMemory(syscalls: Syscalls, ipc: OpenIpc, target: string): JoinedIpc {
  mkdirSync(target);
  attachMount(ipc.sharedMemory, target);
  syscalls.mount('none', target, null, MountFlag.private, null);
  return {...ipc, sharedMemory: target};
}

function mountSource(syscalls: Syscalls, request: BindRequest, target: string): string {
  const {mounts, ...bind} = request;
  if (mounts === undefined) return bindSource(syscalls, bind, target);
  const source = `${target}-mounted`;
  mkdirSync(source);
  mountDevice(syscalls, mounts, source);
  return bindSource(syscalls, {...bind, source}, target);
}

function mountDevice(syscalls: Syscalls, {type, device, options}: MountedDevice, target: string): void {
  const {flags, data} = parseMountOptions(options);
  try {
    syscalls.mount(device, target, type, flags, data);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new WinchError('VOLUME_MOUNT_FAILED', `${type} ${excerpt(device)} cannot be mounted (${error.code})`, {
      kind: 'runtime',
      hint: 'is it there, does the kernel have this file system, and are these its options?',
      cause: error,
    });
  }
}

function bindSource(syscalls: Syscalls, request: BindRequest, target: string): string {
  const fd = openSource(syscalls, request);
  try {
    const opened = fstatSync(fd, {bigint: true});
    if (opened.isDirectory()) mkdirSync(target);
    else writeFileSync(target, '');
    syscalls.mount(`/proc/self/fd/${fd}`, target, null, MountFlag.bind | MountFlag.recursive, null);
    const mounted = lstatSync(target, {bigint: true});
    if (mounted.dev !== opened.dev || mounted.ino !== opened.ino) throw changedSource(request.source);
    return target;
  } finally {
    closeSync(fd);
  }
}

function openSource(syscalls: Syscalls, {source, subpath, createSource}: BindRequest): number {
  const fd = openPath(source, createSource);
  if (subpath === undefined) return fd;
  try {
    return syscalls.openInRoot(fd, subpath, O_PATH);
  } catch (error) {
    throw sourceError(`${source}/${subpath}`, error);
  } finally {
    closeSync(fd);
  }
}

function openPath(source: string, create: boolean): number {
  try {
    return openSync(source, O_PATH);
  } catch (error) {
    if (!create || !hasErrno(error, 'ENOENT', 'ENOTDIR')) throw sourceError(source, error);
  }
  try {
    mkdirSync(source, {recursive: true});
    return openSync(source, O_PATH);
  } catch (error) {
    throw sourceError(source, error);
  }
}

function sourceError(source: string, cause: unknown): unknown {
  if (hasErrno(cause, 'EACCES', 'EPERM', 'EROFS')) {
    return new WinchError('MOUNT_SOURCE_DENIED', `${excerpt(source)} may not be read or made`, {kind: 'denied', cause});
  }
  if (!hasErrno(cause, 'ENOENT', 'ENOTDIR', 'EEXIST', 'ELOOP')) return cause;
  return new WinchError('MOUNT_SOURCE_MISSING', `there is nothing at ${excerpt(source)} to mount`, {
    kind: 'invalid',
    cause,
  });
}

const changedSource = (source: string): WinchError =>
  new WinchError('MOUNT_SOURCE_CHANGED', `${excerpt(source)} became another file while it was mounted`, {
    kind: 'refused',
    hint: 'let nobody else change it meanwhile',
  });
