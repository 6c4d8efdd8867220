import type {CallOptions} from '../../events.ts';
import type {Lock} from '../../host/locks.ts';
import type {ContainerContext} from '../context.ts';
import {clearRemains} from './clear-remains.ts';
import {requireLive} from './find-live.ts';
import type {KeptRecord} from './record.ts';
import type {StartSettings} from './start-container.ts';

interface LockedContainer {
  readonly record: KeptRecord;
  /** Let go when the start begins, which takes it for itself. */
  readonly lock: Lock;
}

/**
 * Has a container started that does not run. Every start of a user has a namespace of its own, whose root may not end
 * what is left in another one: the user may, who has made both, and so clears before.
 *
 * @throws {WinchError} `USER_NAMESPACE_DENIED` | as `startContainer`
 */
export async function startAsRoot(
  context: ContainerContext,
  {record, lock}: LockedContainer,
  {callAsRoot, signal, onEvent}: CallOptions & StartSettings,
): Promise<void> {
  await clearRemains(context, record, {onEvent});
  const joins = await findNetworkOwner(context, record);
  lock.release();
  await callAsRoot({name: 'start', id: record.id}, {signal, onEvent, joins});
}

/**
 * The first process of the container whose network another one shares: only root of its user namespace may enter that.
 *
 * @returns null: it shares none
 * @throws {WinchError} `CONTAINER_UNKNOWN` | `CONTAINER_AMBIGUOUS` | `CONTAINER_STOPPED`
 */
export async function findNetworkOwner(
  context: ContainerContext,
  {container: {network}}: Pick<KeptRecord, 'container'>,
): Promise<number | null> {
  if (typeof network !== 'object' || !('container' in network)) return null;
  return (await requireLive(context, network.container)).pid;
}
