import {closeSync} from 'node:fs';
import type {ContainerOptions} from '../bundle/container-options.ts';
import {foreignProcesses} from '../bundle/user-namespace.ts';
import {WinchError} from '../errors.ts';
import {openNamespace} from '../host/open-namespace.ts';
import {isInitialUserNamespace} from '../host/user-namespace.ts';
import {excerpt} from '../oci/excerpt.ts';
import type {ContainerContext} from './context.ts';

/**
 * The same container with a namespace of processes that is open in the place of a container's name, or of a path.
 *
 * @param held Keeps it open until the container is in it.
 * @throws {WinchError} `CONTAINER_UNKNOWN` | `CONTAINER_AMBIGUOUS` | `CONTAINER_STOPPED` | `NAMESPACE_MISSING` |
 * `NAMESPACE_UNSUPPORTED`
 */
export async function joinNamespaces(
  context: ContainerContext,
  container: ContainerOptions,
  held: {defer(close: () => void): void},
): Promise<ContainerOptions> {
  const {pid} = container;
  if (typeof pid !== 'object') return container;
  if (!isInitialUserNamespace()) throw foreignProcesses();
  const fd = openPidNamespace('namespace' in pid ? pid.namespace : await findNamespace(context, pid.container));
  held.defer(() => closeSync(fd));
  return {...container, pid: {namespace: `/proc/${process.pid}/fd/${fd}`}};
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
