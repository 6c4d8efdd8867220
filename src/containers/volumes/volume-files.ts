import {chmodSync, chownSync, closeSync, constants, openSync} from 'node:fs';
import {WinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import {loadAttributeCalls} from '../../host/attribute-calls.ts';
import {readRegion} from '../../host/file-regions.ts';
import {type ArchiveInput, openInputFile} from '../../images/archives/open-input.ts';
import type {ByteString} from '../../layers/byte-string.ts';
import type {FileNode} from '../../layers/file-tree.ts';
import {writeTreeTar} from '../../layers/tree-tar.ts';
import type {ContainerContext} from '../context.ts';
import type {ContainerFiles} from '../files/copy-from-container.ts';
import {putFiles} from '../files/put-files.ts';
import {type SpooledTree, spoolTree} from '../files/spooled-tree.ts';
import {lockVolumes, useVolume} from './places.ts';
import {requireVolume} from './volume.ts';

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const NOTHING: ReadonlyMap<ByteString, FileNode> = new Map();

/**
 * Opens the files of a volume as one tar, with owners, modes, times, hard links and attributes. Containers may change them
 * meanwhile; the volume is not removed until it is closed.
 *
 * @throws {WinchError} `VOLUME_UNKNOWN`
 */
export async function exportVolume(
  context: ContainerContext,
  name: string,
  {signal}: CallOptions = {},
): Promise<ContainerFiles> {
  const {directoryFd, close} = await openVolume(context, name, signal);
  return {content: writeTreeTar(loadAttributeCalls(), {directoryFd, name: null}, {signal}), close};
}

/**
 * Puts the files of a tar, plain or packed, into a volume: directories that exist are merged, files are replaced. The tar
 * is read whole before anything is written.
 *
 * @throws {WinchError} `VOLUME_UNKNOWN` | `ARCHIVE_MISSING` | `TAR_INVALID` | `TAR_PATH` | `DESTINATION_INVALID` | `STORE_FULL` …
 */
export async function importVolume(
  context: ContainerContext,
  name: string,
  tar: ArchiveInput,
  options: CallOptions = {},
): Promise<void> {
  const {directoryFd, close} = await openVolume(context, name, options.signal);
  try {
    await using tree = await spoolInput(context, tar, options);
    const {root} = tree;
    await putFiles({directoryFd, where: `volume ${name}`, entries: root.entries ?? NOTHING}, options);
    if (!tree.describesRoot) return;
    const self = `/proc/self/fd/${directoryFd}/.`;
    chownSync(self, root.uid, root.gid);
    chmodSync(self, root.permissions);
  } finally {
    close();
  }
}

async function spoolInput(context: ContainerContext, input: ArchiveInput, options: CallOptions): Promise<SpooledTree> {
  if (typeof input !== 'string') return await spoolTree(context, input, options);
  using lease = await context.store.lease(options.signal);
  await using file = await openInputFile(lease, input, options);
  return await spoolTree(context, readRegion(file.region, 0, options), options);
}

const mountedElsewhere = (name: string): WinchError =>
  new WinchError('VOLUME_UNSUPPORTED', `the files of volume ${name} are seen only where a container mounts it`, {
    kind: 'unsupported',
    hint: 'copy them out of such a container, or into it',
  });

async function openVolume(context: ContainerContext, name: string, signal: AbortSignal | undefined) {
  requireVolume(context, name);
  using held = new DisposableStack();
  using _lock = await lockVolumes(context, signal);
  const {directory, mounts} = requireVolume(context, name);
  if (mounts) throw mountedElsewhere(name);
  held.use(useVolume(context, name));
  const directoryFd = openSync(directory, DIRECTORY);
  held.defer(() => closeSync(directoryFd));
  const kept = held.move();
  return {directoryFd, close: () => kept.dispose()};
}
