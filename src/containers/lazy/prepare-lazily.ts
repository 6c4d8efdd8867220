import {mkdirSync} from 'node:fs';
import {release} from 'node:os';
import {join} from 'node:path';
import type {CallOptions} from '../../events.ts';
import type {CleanupStack} from '../../host/cleanup.ts';
import {type FuseDevice, mountFuse, openFuseDevice} from '../../host/fuse/mount-fuse.ts';
import {canMountDevices} from '../../host/mount-erofs.ts';
import {type Syscalls, UnmountFlag} from '../../host/syscalls.ts';
import {isStoredId} from '../../images/find-image.ts';
import {fetchWholeLayers} from '../../images/partial/whole-layers.ts';
import {findPresent} from '../../images/present-image.ts';
import type {StoredImage} from '../../images/stored-image.ts';
import {parseReference} from '../../oci/reference.ts';
import {erofsSnapshotter} from '../../snapshots/erofs.ts';
import type {Lease} from '../../store/leases.ts';
import {chooseDriver} from '../choose-driver.ts';
import type {ContainerContext} from '../context.ts';
import type {ContainerDirectories} from '../directories.ts';
import type {ImageToRun} from '../image-to-run.ts';
import type {PreparedLayers} from '../prepare-layers.ts';
import type {RunRequest} from '../run.ts';
import {asksForVolumes} from '../volumes/mounted-volumes.ts';
import {startLazyServer} from './lazy-server.ts';

export interface LazyPreparation {
  readonly request: RunRequest & ImageToRun;
  readonly directories: ContainerDirectories;
  readonly cleanup: CleanupStack;
}

/** An image of which files come when they are read. */
export interface LazyImageOfRun {
  readonly image: StoredImage;
  readonly prepared: PreparedLayers;
  /** Aborted when its files can come no more. */
  readonly aborted: AbortSignal;
  /** Mounts what the layers' paths lead to, in the namespace of the calling thread. */
  mount(syscalls: Syscalls): void;
}

const MOUNT_POINT = 'lazy';

/**
 * Has a process serve the layers of an image that is not in the store. The context's lease keeps those that are, or that
 * have to be.
 *
 * @returns null: the image is there, or has to be pulled, which is said
 * @throws {WinchError} as `openLazyImage` and `fetchLayers`
 */
export async function prepareLazily(
  context: ContainerContext & {readonly lease: Lease | null},
  {request, directories, cleanup}: LazyPreparation,
  options: CallOptions,
): Promise<LazyImageOfRun | null> {
  if (isPresent(context, request)) return null;
  const pull = (reason: string): null => {
    options.onEvent?.({type: 'warning:raised', code: 'LAZY_FALLBACK', message: `the image is pulled: ${reason}`});
    return null;
  };
  const hindrance = await findHindrance(context, request);
  if (hindrance !== null) return pull(hindrance);
  const {lazyServer, lease} = context;
  const device = openFuseDevice();
  if (device === null) return pull('there is no /dev/fuse that may be used');
  if (!lazyServer || !lease) return pull('nothing can be kept from removal here');
  cleanup.add(() => device[Symbol.dispose]());
  const directory = directories.writable ?? directories.volatile;
  const asked = {image: request.image, platform: request.platform, directory, device};
  const server = startLazyServer(lazyServer, asked, options);
  cleanup.add(server.end);
  const opened = await server.opened;
  if (!opened.layers.some(({served}) => served !== null)) {
    await server.end();
    return pull('none of its layers can be read in parts');
  }
  const mountPoint = join(directories.volatile, MOUNT_POINT);
  const layers = await fetchWholeLayers({...context, lease}, opened, {...options, mountPoint});
  const prepared = {snapshotter: erofsSnapshotter, layers, needsLease: false};
  const image = {imageId: opened.imageId, config: opened.config, layers};
  return {image, prepared, aborted: server.signal, mount: mountOn({mountPoint, device, cleanup})};
}

function isPresent({store}: ContainerContext, {image, platform}: ImageToRun): boolean {
  return isStoredId(store, image) || findPresent(store, parseReference(image), platform) !== null;
}

/** Why files cannot be served for a run; null: they can. */
async function findHindrance(context: ContainerContext, {container = {}}: RunRequest): Promise<string | null> {
  if (!canMountDevices()) return `this takes root, and Linux 6.12 or later (this is ${release()})`;
  const {name} = await chooseDriver(context);
  if (name !== 'erofs') return `images are mounted by ${name} here`;
  return asksForVolumes(container) ? 'volumes are filled with its files' : null;
}

interface LazyMount {
  readonly mountPoint: string;
  readonly device: FuseDevice;
  readonly cleanup: CleanupStack;
}

/** The device is the server's alone then: with it the mount ends. */
const mountOn =
  ({mountPoint, device, cleanup}: LazyMount) =>
  (syscalls: Syscalls): void => {
    mkdirSync(mountPoint, {mode: 0o700});
    mountFuse(syscalls, device, mountPoint);
    cleanup.add(() => syscalls.unmount(mountPoint, UnmountFlag.detach));
    device[Symbol.dispose]();
  };
