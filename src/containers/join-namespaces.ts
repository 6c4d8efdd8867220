import {closeSync} from 'node:fs';
import type {ContainerOptions} from '../bundle/container-options.ts';
import {foreignMemory, foreignProcesses} from '../bundle/user-namespace.ts';
import {WinchError} from '../errors.ts';
import {openNamespace} from '../host/open-namespace.ts';
import {isInitialUserNamespace} from '../host/user-namespace.ts';
import {excerpt} from '../oci/excerpt.ts';
import type {ContainerContext} from './context.ts';

/** Keeps what is open until the container has it. */
export interface Held {
  defer(close: () => void): void;
}

/**
 * The same container with namespaces of processes and of memory that are open in the place of a container's name, or of
 * a path.
 *
 * @throws {WinchError} `CONTAINER_UNKNOWN` | `CONTAINER_AMBIGUOUS` | `CONTAINER_STOPPED` | `NAMESPACE_MISSING` |
 * `NAMESPACE_UNSUPPORTED` | `IPC_NOT_SHAREABLE`
 */
export async function joinNamespaces(
  context: ContainerContext,
  container: ContainerOptions,
  held: Held,
): Promise<ContainerOptions> {
  const [pid, ipc] = [await joinPid(context, container, held), await joinIpc(context, container, held)];
  return {...container, ...(pid && {pid}), ...(ipc && {ipc})};
}

async function joinPid(
  context: ContainerContext,
  {pid}: ContainerOptions,
  held: Held,
): Promise<ContainerOptions['pid']> {
  if (typeof pid !== 'object') return pid;
  if (!isInitialUserNamespace()) throw foreignProcesses();
  const fd = openPidNamespace('namespace' in pid ? pid.namespace : await findNamespace(context, pid.container));
  held.defer(() => closeSync(fd));
  return {namespace: `/proc/${process.pid}/fd/${fd}`};
}

async function joinIpc(
  context: ContainerContext,
  {ipc}: ContainerOptions,
  held: Held,
): Promise<ContainerOptions['ipc']> {
  if (typeof ipc !== 'object' || !('container' in ipc)) return ipc;
  if (!isInitialUserNamespace()) throw foreignMemory();
  const {shareMemory} = await import('./share-memory.ts');
  return await shareMemory(context, ipc.container, held);
}

async function findNamespace(context: ContainerContext, container: string): Promise<string> {
  const {requireLive} = await import('./kept/find-live.ts');
  return `/proc/${(await requireLive(context, container)).pid}/ns/pid`;
}

function openPidNamespace(path: string): number {
  const fd = openNamespace(path, 'pid');
  if (fd !== null) return fd;
  throw new WinchError('NAMESPACE_MISSING', `there is no namespace of processes at ${excerpt(path)}`, {
    kind: 'not-found',
  });
}
