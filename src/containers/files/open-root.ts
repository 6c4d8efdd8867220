import {closeSync, constants, openSync} from 'node:fs';
import {join} from 'node:path';
import {parseRuntimeSpec} from '../../bundle/create-bundle.ts';
import type {OwnerTranslation} from '../../bundle/id-mappings.ts';
import {hasErrno, WinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import {readProcess} from '../../host/process-details.ts';
import {isLiving} from '../../host/process-identity.ts';
import {loadSyscalls, type Syscalls} from '../../host/syscalls.ts';
import type {RuntimeSpec} from '../../oci/runtime-spec.ts';
import type {ContainerContext} from '../context.ts';
import {findByText, nameOf, requireContainer, unknownContainer} from '../kept/find-container.ts';
import {type LiveContainer, requireLive} from '../kept/find-live.ts';
import {lockContainer, placesOf, volatileDirectory} from '../kept/places.ts';
import {readStartNote, readState} from '../kept/read-state.ts';
import {findRecord, type KeptRecord, listRecords, readOrNull} from '../kept/record.ts';
import type {EventSubject} from '../record-events.ts';
import {ownersOfRun, ownersOfRunning, ownersOnDisk} from './owners.ts';

export interface RootOptions extends CallOptions {
  /** Whether volumes and binds are seen; otherwise what the container has written itself, over its image. */
  readonly hasMounts: boolean;
}

/** The root file system of a container, held open. */
export interface ContainerRoot extends Disposable {
  /** An open directory. Its files are reached from it alone, since it is mounted for nobody else. */
  readonly rootFd: number;
  readonly syscalls: Syscalls;
  /** Null: owners are as the container has them. */
  readonly owners: OwnerTranslation | null;
  /** For those who follow events. */
  readonly subject: EventSubject;
}

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY;

/**
 * Opens the files of a container: as it sees them while it runs, else mounted for this process alone, in which case nobody
 * can start it meanwhile. Those of a run in the foreground are opened as long as it goes on.
 *
 * @throws {WinchError} `CONTAINER_UNKNOWN` | `CONTAINER_AMBIGUOUS` | `CONTAINER_ENDED` | `CONTAINER_DENIED` | of the driver
 * and the image
 */
export const openContainerRoot = (
  context: ContainerContext,
  text: string,
  options: RootOptions,
): Promise<ContainerRoot> =>
  findByText(listRecords(context), text) ? openKept(context, text, options) : openRun(context, text, options);

async function openKept(context: ContainerContext, text: string, options: RootOptions): Promise<ContainerRoot> {
  const {id} = requireContainer(context, text);
  using held = new DisposableStack();
  const lock = held.use(await lockContainer(context, id, options.signal));
  const record = findRecord(context, id);
  if (!record) throw unknownContainer(text);
  const syscalls = loadSyscalls();
  if ((await readState(context, record)).state === 'running') {
    const rootFd = openLiving(context, record, options);
    // It may be stopped, and started again, as long as this takes.
    lock.release();
    const owners = ownersOfRunning(record);
    return {rootFd, syscalls, owners, subject: record, [Symbol.dispose]: () => closeSync(rootFd)};
  }
  const {mountStopped} = await import('./mount-stopped.ts');
  const mounted = held.use(await mountStopped(context, {record, syscalls}, options));
  const kept = held.move();
  const {rootFd} = mounted;
  const owners = ownersOnDisk(record);
  return {rootFd, syscalls, owners, subject: record, [Symbol.dispose]: () => kept.dispose()};
}

async function openRun(context: ContainerContext, text: string, {hasMounts}: RootOptions): Promise<ContainerRoot> {
  const subject = await requireLive(context, text);
  const findPath = hasMounts ? ({pid}: LiveContainer) => `/proc/${pid}/root/` : rootBesideMounts;
  const owners = ownersOfRun(readSpec(subject));
  const rootFd = await openOfRun(context, subject.id, findPath);
  return {rootFd, syscalls: loadSyscalls(), owners, subject, [Symbol.dispose]: () => closeSync(rootFd)};
}

/**
 * Opens a directory of a run in the foreground.
 *
 * @throws {WinchError} `CONTAINER_UNKNOWN` | `CONTAINER_AMBIGUOUS` | `CONTAINER_STOPPED` | `CONTAINER_ENDED` | `CONTAINER_DENIED`
 */
export async function openOfRun(
  context: ContainerContext,
  text: string,
  findPath: (container: LiveContainer) => string,
): Promise<number> {
  const container = await requireLive(context, text);
  const fd = openRoot(findPath(container), container);
  // Its number may be another process's by now; then the runtime knows that it has ended.
  const {pid} = await requireLive(context, text).catch(() => ({pid: null}));
  if (pid === container.pid) return fd;
  closeSync(fd);
  throw endedMeanwhile(container);
}

/** A path as the runtime of a run sees it, which waits for the end of the container outside of it. */
export const pathBeside = ({pid}: LiveContainer, path: string): string =>
  `/proc/${readProcess(pid)?.parentPid ?? 0}/root${path}`;

/** As `pathBeside`, of the root file system without what is mounted in it. @throws {WinchError} `CONTAINER_ENDED` */
export const rootBesideMounts = (container: LiveContainer): string =>
  pathBeside(container, readSpec(container).root.path);

/** @throws {WinchError} `CONTAINER_ENDED` */
export function readSpec(container: Named & {readonly directory: string}): RuntimeSpec {
  const config = readOrNull(join(container.directory, 'config.json'));
  if (config === null) throw endedMeanwhile(container);
  return parseRuntimeSpec(config);
}

type Named = Pick<KeptRecord, 'id' | 'name'>;

/** Its process sees all that is mounted in it; conmon sees its root file system alone. */
function openLiving(context: ContainerContext, record: KeptRecord, {hasMounts}: RootOptions): number {
  const note = readStartNote(placesOf(context, record.id));
  if (note === null) throw endedMeanwhile(record);
  const watched = hasMounts ? note.process : note.supervisor;
  const directory = volatileDirectory(context, record.id);
  const path = hasMounts ? '' : readSpec({...record, directory}).root.path;
  const rootFd = openRoot(`/proc/${watched.pid}/root/${path}`, record);
  if (isLiving(watched)) return rootFd;
  closeSync(rootFd);
  throw endedMeanwhile(record);
}

function openRoot(path: string, container: Named): number {
  try {
    return openSync(path, DIRECTORY);
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ESRCH')) throw endedMeanwhile(container);
    if (!hasErrno(error, 'EACCES', 'EPERM')) throw error;
    throw new WinchError('CONTAINER_DENIED', `the files of container ${nameOf(container)} may not be entered`, {
      kind: 'denied',
      hint: 'run as root',
      cause: error,
    });
  }
}

const endedMeanwhile = (container: Named): WinchError =>
  new WinchError('CONTAINER_ENDED', `container ${nameOf(container)} has ended meanwhile`, {
    kind: 'runtime',
    hint: 'try again',
  });
