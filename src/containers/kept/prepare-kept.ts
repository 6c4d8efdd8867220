import {closeSync, constants, openSync, symlinkSync} from 'node:fs';
import {join} from 'node:path';
import {mountBindSources} from '../../bundle/bind-sources.ts';
import {WinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import {inPrivateMountNamespace, performMounts} from '../../host/mounts.ts';
import {loadSyscalls, type Syscalls} from '../../host/syscalls.ts';
import {ensureImage, type StoredImage} from '../../images/stored-image.ts';
import {type Supervised, type Supervision, startConmon} from '../../runtime/conmon.ts';
import {findConmon} from '../../runtime/find-conmon.ts';
import {chooseDriver} from '../choose-driver.ts';
import type {ContainerContext} from '../context.ts';
import {runtimeStateDirectory} from '../directories.ts';
import {joinNamespaces} from '../join-namespaces.ts';
import {prepareImagesOfKept} from '../mounted-images.ts';
import type {ConnectedNetwork} from '../networks/network-files.ts';
import {takeNetwork} from '../networks/take-network.ts';
import {type PreparedLayers, prepareLayers} from '../prepare-layers.ts';
import {bindVolumes} from '../volumes/mounted-volumes.ts';
import {writeImageBundle} from '../write-image-bundle.ts';
import {placesOf, volatileDirectory} from './places.ts';
import type {KeptRecord} from './record.ts';

interface KeptStart extends Pick<Supervision, 'noteDirectory' | 'runtimeLog' | 'exitCommand'> {
  readonly record: KeptRecord;
}

/** The drivers whose mounts need neither this process nor a copy that ends with it. */
const LASTING: readonly string[] = ['erofs', 'overlay'];

/**
 * Mounts the image under what the container has written so far, and starts conmon on it. The mounts are seen by conmon
 * and the container alone, and go with them.
 *
 * @throws {WinchError} `IMAGE_UNKNOWN` | `KEEP_UNSUPPORTED` | of the driver, the image and the options
 */
export async function prepareKept(
  context: ContainerContext,
  start: KeptStart,
  options: CallOptions,
): Promise<Supervised> {
  const {record, ...notes} = start;
  await requireLastingDriver(context);
  using lease = await context.store.readerLease(options.signal);
  const image = await ensureImage({...context, lease}, {image: record.imageId, policy: 'never'}, options);
  const directories = {
    volatile: volatileDirectory(context, record.id),
    writable: placesOf(context, record.id).writable,
  };
  const prepared = await prepareLayers({...context, lease}, {layers: image.layers, directories}, options);
  using held = new DisposableStack();
  const container = await joinNamespaces(context, bindVolumes(context, record.container), held);
  const images = await prepareImagesOfKept({...context, lease}, {container, ...directories}, options);
  const conmon = findConmon();
  options.signal?.throwIfAborted();
  const network = await takeKeptNetwork(context, {record: {...record, container}, image, held}, options);
  const syscalls = loadSyscalls();
  const supervised = inPrivateMountNamespace(syscalls, () => {
    const withImages = images?.mount(syscalls).container ?? container;
    mountKept(context, {...start, record: {...record, container: withImages}, image, prepared, syscalls, network});
    const logFile = placeLog(context, record);
    return startConmon({
      conmon,
      runtime: record.runtime,
      stateDirectory: runtimeStateDirectory(context),
      id: record.id,
      bundle: directories.volatile,
      logFile,
      largestLogBytes: record.largestLogBytes,
      ...streamsOf(record),
      ...notes,
    });
  });
  const kept = held.move();
  return {...supervised, created: supervised.created.finally(() => kept.dispose())};
}

/** Conmon takes a colon in the path of a store for the end of it, and renames a new log over a link. */
function placeLog(context: ContainerContext, {id, largestLogBytes}: KeptRecord): string {
  const {log} = placesOf(context, id);
  if (largestLogBytes !== undefined) return log;
  const link = join(volatileDirectory(context, id), 'log');
  symlinkSync(log, link);
  return link;
}

const streamsOf = ({container, interactive, keepsInput = false}: KeptRecord) => ({
  terminal: container.terminal ?? false,
  interactive,
  keepsInput,
});

/** @throws {WinchError} `KEEP_UNSUPPORTED` | `MOUNT_UNSUPPORTED` */
export async function requireLastingDriver(context: ContainerContext): Promise<void> {
  const {name} = await chooseDriver(context);
  if (LASTING.includes(name)) return;
  throw new WinchError('KEEP_UNSUPPORTED', `containers cannot be kept with the ${name} driver`, {
    kind: 'unsupported',
    hint: `of the drivers, ${LASTING.join(' and ')} can`,
  });
}

interface Mounting extends KeptStart {
  readonly image: StoredImage;
  readonly prepared: PreparedLayers;
  readonly syscalls: Syscalls;
  readonly network: ConnectedNetwork | null;
}

interface NetworkOfKept extends Pick<Mounting, 'record' | 'image'> {
  readonly held: DisposableStack;
}

/** The namespace is held until the container is in it. */
async function takeKeptNetwork(
  context: ContainerContext,
  {record: {id, name, container}, image: {config: image}, held}: NetworkOfKept,
  options: CallOptions,
): Promise<ConnectedNetwork | null> {
  const directory = volatileDirectory(context, id);
  const network = await takeNetwork(context, {id, name, directory, container, image}, options);
  if (network !== null) held.defer(network.close);
  return network;
}

function mountKept(context: ContainerContext, {record, image, prepared, syscalls, network}: Mounting): void {
  const {id, container} = record;
  const directory = volatileDirectory(context, id);
  const rootfs = prepared.snapshotter.prepare({
    layers: prepared.layers,
    directory,
    writable: {type: 'directory', path: placesOf(context, id).writable, isLasting: true},
  });
  performMounts(syscalls, rootfs.mounts);
  const mounted = mountBindSources(syscalls, container, directory);
  const rootFd = openSync(rootfs.path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const {hostname} = context;
    const rootfsPath = rootfs.path;
    const bundle = {id, directory, rootFd, rootfsPath, image: image.config, syscalls, hostname};
    writeImageBundle({...bundle, container: mounted, network});
  } finally {
    closeSync(rootFd);
  }
}
