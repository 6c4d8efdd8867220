import {closeSync, constants, openSync} from 'node:fs';
import {join} from 'node:path';
import {hasErrno, WinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import {isLiving} from '../../host/process-identity.ts';
import {loadSyscalls, type Syscalls} from '../../host/syscalls.ts';
import type {ContainerContext} from '../context.ts';
import {nameOf, requireContainer, unknownContainer} from '../kept/find-container.ts';
import {lockContainer, placesOf, volatileDirectory} from '../kept/places.ts';
import {readStartNote, readState} from '../kept/read-state.ts';
import {findRecord, type KeptRecord} from '../kept/record.ts';

export interface RootOptions extends CallOptions {
  /** Whether volumes and binds are seen; otherwise what the container has written itself, over its image. */
  readonly hasMounts: boolean;
}

/** The root file system of a kept container, held open. */
export interface ContainerRoot extends Disposable {
  readonly record: KeptRecord;
  /** An open directory. Its files are reached from it alone, since it is mounted for nobody else. */
  readonly rootFd: number;
  readonly syscalls: Syscalls;
}

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY;

/**
 * Opens the files of a kept container: as it sees them while it runs, else mounted for this process alone, in which case
 * nobody can start it meanwhile.
 *
 * @throws {WinchError} `CONTAINER_UNKNOWN` | `CONTAINER_AMBIGUOUS` | of the driver and the image
 */
export async function openContainerRoot(
  context: ContainerContext,
  text: string,
  options: RootOptions,
): Promise<ContainerRoot> {
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
    return {record, rootFd, syscalls, [Symbol.dispose]: () => closeSync(rootFd)};
  }
  const {mountStopped} = await import('./mount-stopped.ts');
  const mounted = held.use(await mountStopped(context, {record, syscalls}, options));
  const kept = held.move();
  return {record, rootFd: mounted.rootFd, syscalls, [Symbol.dispose]: () => kept.dispose()};
}

/** Its process sees all that is mounted in it; conmon sees its root file system alone. */
function openLiving(context: ContainerContext, record: KeptRecord, {hasMounts}: RootOptions): number {
  const note = readStartNote(placesOf(context, record.id));
  if (note === null) throw endedMeanwhile(record);
  const watched = hasMounts ? note.process : note.supervisor;
  const path = hasMounts ? '' : join(volatileDirectory(context, record.id), 'rootfs');
  const rootFd = openRoot(`/proc/${watched.pid}/root/${path}`, record);
  if (isLiving(watched)) return rootFd;
  closeSync(rootFd);
  throw endedMeanwhile(record);
}

function openRoot(path: string, record: KeptRecord): number {
  try {
    return openSync(path, DIRECTORY);
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ESRCH')) throw endedMeanwhile(record);
    throw error;
  }
}

const endedMeanwhile = (record: KeptRecord): WinchError =>
  new WinchError('CONTAINER_ENDED', `container ${nameOf(record)} has ended meanwhile`, {
    kind: 'runtime',
    hint: 'try again',
  });
