import {closeSync, constants, mkdirSync, openSync, symlinkSync} from 'node:fs';
import {join} from 'node:path';
import {mountBindSources} from '../../bundle/bind-sources.ts';
import type {CallOptions} from '../../events.ts';
import {expectCgroupMove} from '../../host/expect-cgroup-move.ts';
import {inPrivateMountNamespace, performMounts} from '../../host/mounts.ts';
import {loadSyscalls, type Syscalls} from '../../host/syscalls.ts';
import {ensureImage, type StoredImage} from '../../images/stored-image.ts';
import {type Supervision, startConmon} from '../../runtime/conmon.ts';
import {findConmon} from '../../runtime/find-conmon.ts';
import type {Supervised} from '../../runtime/start-supervisor.ts';
import type {ContainerContext} from '../context.ts';
import {runtimeStateDirectory} from '../directories.ts';
import {joinNamespaces} from '../join-namespaces.ts';
import {prepareImagesOfKept} from '../mounted-images.ts';
import type {ConnectedNetwork} from '../networks/network-files.ts';
import {takeNetwork} from '../networks/take-network.ts';
import {type PreparedLayers, prepareLayers} from '../prepare-layers.ts';
import type {MappedContainer} from '../userns/mapped-container.ts';
import {takeUserns} from '../userns/take-userns.ts';
import {bindVolumes} from '../volumes/mounted-volumes.ts';
import {writeImageBundle} from '../write-image-bundle.ts';
import {withOwnDriver} from './own-driver.ts';
import {placesOf, serversOf, volatileDirectory} from './places.ts';
import type {KeptRecord} from './record.ts';

interface KeptStart extends Pick<Supervision, 'noteDirectory' | 'runtimeLog' | 'exitCommand'> {
  readonly record: KeptRecord;
}

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
  const own = await withOwnDriver(context, record);
  using lease = await context.store.readerLease(options.signal);
  const image = await ensureImage({...context, lease}, {image: record.imageId, policy: 'never'}, options);
  const directories = makeDirectories(context, record);
  await using held = new AsyncDisposableStack();
  const {container: asked, mapped} = await takeUserns(record, held);
  const wanted = {layers: image.layers, directories, keepsCopy: true, ownerIds: mapped?.ownerIds ?? null};
  const prepared = await prepareLayers({...own, lease}, wanted, options);
  const container = await joinNamespaces(context, bindVolumes(context, asked), held);
  const images = await prepareImagesOfKept({...own, lease}, {container, ...directories}, options);
  const conmon = findConmon();
  options.signal?.throwIfAborted();
  const network = await takeKeptNetwork(context, {record: {...record, container}, image, held, mapped}, options);
  const syscalls = loadSyscalls();
  void expectCgroupMove();
  const supervised = inPrivateMountNamespace(syscalls, () => {
    const withImages = images?.mount(syscalls, mapped).container ?? container;
    const mounting = {...start, record: {...record, container: withImages}, image, prepared, syscalls, network, mapped};
    mountKept(context, mounting);
    return startConmon({
      conmon,
      runtime: record.runtime,
      stateDirectory: runtimeStateDirectory(context),
      id: record.id,
      bundle: directories.volatile,
      logFile: placeLog(context, record),
      largestLogBytes: record.largestLogBytes,
      ...streamsOf(record),
      ...notes,
    });
  });
  const kept = held.move();
  return {...supervised, created: supervised.created.finally(() => kept.disposeAsync())};
}

function makeDirectories(context: ContainerContext, {id}: KeptRecord) {
  const servers = serversOf(context, id);
  mkdirSync(servers, {mode: 0o700});
  return {volatile: volatileDirectory(context, id), writable: placesOf(context, id).writable, servers};
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

interface Mounting extends KeptStart {
  readonly image: StoredImage;
  readonly prepared: PreparedLayers;
  readonly syscalls: Syscalls;
  readonly network: ConnectedNetwork | null;
  readonly mapped: MappedContainer | null;
}

interface NetworkOfKept extends Pick<Mounting, 'record' | 'image' | 'mapped'> {
  readonly held: AsyncDisposableStack;
}

/** The namespace is held until the container is in it. */
async function takeKeptNetwork(
  context: ContainerContext,
  {record: {id, name, container}, image: {config: image}, held, mapped}: NetworkOfKept,
  options: CallOptions,
): Promise<ConnectedNetwork | null> {
  const directory = volatileDirectory(context, id);
  const network = await takeNetwork(context, {id, name, directory, container, image, mapped}, options);
  if (network !== null) held.defer(network.close);
  return network;
}

function mountKept(context: ContainerContext, mounting: Mounting): void {
  const {record, image, prepared, syscalls, network, mapped} = mounting;
  const {id, container} = record;
  const directory = volatileDirectory(context, id);
  const rootfs = prepared.snapshotter.prepare({
    layers: prepared.layers,
    directory,
    writable: {type: 'directory', path: placesOf(context, id).writable, isLasting: true},
    servers: serversOf(context, id),
  });
  performMounts(syscalls, rootfs.mounts);
  const mounted = mountBindSources(syscalls, container, {directory, namespaceFd: mapped?.namespaceFd ?? null});
  const rootFd = openSync(rootfs.path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const {hostname} = context;
    const rootfsPath = rootfs.path;
    const bundle = {id, directory, rootFd, rootfsPath, image: image.config, syscalls, hostname};
    writeImageBundle({...bundle, container: mounted, network, mapped});
  } finally {
    closeSync(rootFd);
  }
  mapped?.mount(syscalls, rootfs);
}
