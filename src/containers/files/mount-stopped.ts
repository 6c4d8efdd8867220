import {closeSync, constants, mkdirSync, openSync} from 'node:fs';
import {mountBindSources} from '../../bundle/bind-sources.ts';
import type {ContainerOptions, MountRequest} from '../../bundle/container-options.ts';
import {hasErrno} from '../../errors.ts';
import {makeReadOnly} from '../../host/make-read-only.ts';
import {inPrivateMountNamespace, performMounts} from '../../host/mounts.ts';
import {removeTreeSync} from '../../host/remove-tree.ts';
import {resolveInRoot} from '../../host/root-path.ts';
import {MountFlag, type Syscalls} from '../../host/syscalls.ts';
import {ensureImage} from '../../images/stored-image.ts';
import type {ContainerContext} from '../context.ts';
import {withOwnDriver} from '../kept/own-driver.ts';
import {placesOf, serversOf, volatileDirectory} from '../kept/places.ts';
import type {KeptRecord} from '../kept/record.ts';
import {type PreparedImages, prepareImagesOfKept} from '../mounted-images.ts';
import {type PreparedLayers, prepareLayers} from '../prepare-layers.ts';
import {ownerIdsOf} from '../userns/take-userns.ts';
import {bindVolumes} from '../volumes/mounted-volumes.ts';
import type {RootOptions} from './open-root.ts';

/** A mounted root file system that nobody else sees. */
export interface MountedRoot extends Disposable {
  readonly rootFd: number;
}

interface StoppedContainer {
  readonly record: KeptRecord;
  readonly syscalls: Syscalls;
}

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY;
/** Opens a place without reading from it. */
const O_PATH = 0o10_000_000;

/**
 * Mounts the root file system of a container that does not run in a namespace which lasts as long as what is returned.
 * Whoever calls holds the container's lock until then.
 */
export async function mountStopped(
  context: ContainerContext,
  {record, syscalls}: StoppedContainer,
  options: RootOptions,
): Promise<MountedRoot> {
  const directories = {
    volatile: volatileDirectory(context, record.id),
    writable: placesOf(context, record.id).writable,
  };
  using held = new DisposableStack();
  const lease = held.use(await context.store.readerLease(options.signal));
  const image = await ensureImage({...context, lease}, {image: record.imageId, policy: 'never'}, options);
  const own = {...(await withOwnDriver(context, record)), lease};
  const wanted = {layers: image.layers, directories, keepsCopy: true, ownerIds: await ownerIdsOf(record.container)};
  const prepared = await prepareLayers(own, wanted, options);
  const container = options.hasMounts ? bindVolumes(context, record.container) : {};
  const servers = serversOf(context, record.id);
  const images = await prepareImagesOfKept(own, {container, ...directories, servers}, options);
  options.signal?.throwIfAborted();
  const mounting: Mounting = {directories, servers, prepared, container, images, syscalls};
  held.defer(() => removeTreeSync(directories.volatile));
  const {rootFd, namespaceFd} = inPrivateMountNamespace(syscalls, () => mountRoot(mounting));
  held.defer(() => closeSync(namespaceFd));
  held.defer(() => closeSync(rootFd));
  const kept = held.move();
  return {rootFd, [Symbol.dispose]: () => kept.dispose()};
}

interface Mounting {
  readonly directories: {readonly volatile: string; readonly writable: string};
  readonly servers: string;
  readonly prepared: PreparedLayers;
  readonly container: ContainerOptions;
  readonly images: PreparedImages | null;
  readonly syscalls: Syscalls;
}

/** The namespace without a process goes when its descriptor is closed, and what is below the root with it. */
function mountRoot({directories, servers, prepared, container: asked, images, syscalls}: Mounting) {
  mkdirSync(servers, {recursive: true, mode: 0o700});
  const container = images?.mount(syscalls, null).container ?? asked;
  const rootfs = prepared.snapshotter.prepare({
    layers: prepared.layers,
    directory: directories.volatile,
    writable: {type: 'directory', path: directories.writable, isLasting: true},
    servers,
  });
  performMounts(syscalls, rootfs.mounts);
  const rootFd = openSync(rootfs.path, DIRECTORY);
  try {
    const {mounts = []} = mountBindSources(syscalls, container, {directory: directories.volatile, namespaceFd: null});
    for (const mount of mounts) if (mount.type === 'bind') mountInside(syscalls, rootFd, mount);
    if (container.readOnlyRootfs) makeReadOnly(syscalls, rootFd);
    return {rootFd, namespaceFd: openSync('/proc/thread-self/ns/mnt', 'r')};
  } catch (error) {
    closeSync(rootFd);
    throw error;
  }
}

/** What was never started has no places for its mounts. */
function mountInside(
  syscalls: Syscalls,
  rootFd: number,
  {source, target, readOnly}: Pick<Extract<MountRequest, {type: 'bind'}>, 'source' | 'target' | 'readOnly'>,
): void {
  const atTarget = (work: (fd: number) => void) => {
    const fd = syscalls.openInRoot(rootFd, resolveInRoot(syscalls, rootFd, target) ?? target, O_PATH);
    try {
      work(fd);
    } finally {
      closeSync(fd);
    }
  };
  const flags = MountFlag.bind | MountFlag.recursive;
  try {
    atTarget((fd) => syscalls.mount(source, `/proc/self/fd/${fd}`, null, flags, null));
    // What was mounted is found where the place was.
    if (readOnly) atTarget((fd) => makeReadOnly(syscalls, fd));
  } catch (error) {
    if (!hasErrno(error, 'ENOENT', 'ENOTDIR')) throw error;
  }
}
