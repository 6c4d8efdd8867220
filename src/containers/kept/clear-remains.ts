import {existsSync} from 'node:fs';
import type {CallOptions} from '../../events.ts';
import {detachBelow} from '../../host/detach-below.ts';
import {endServers} from '../../host/fuse-servers.ts';
import {removeTreeSync} from '../../host/remove-tree.ts';
import type {ContainerContext} from '../context.ts';
import {clearRuntime} from '../directories.ts';
import {endWatch} from '../health/watch-kept.ts';
import {leaveNetworks} from '../networks/take-network.ts';
import {placesOf, serversOf, volatileDirectory} from './places.ts';
import {readStartNote} from './read-state.ts';
import type {KeptRecord} from './record.ts';
import {recordEnd} from './record-ends.ts';

/**
 * Clears what a container that does not run has left of its last start: processes, the runtime's state, its cgroup and
 * its bundle. Whoever calls holds its lock.
 */
export async function clearRemains(
  context: ContainerContext,
  record: KeptRecord,
  {onEvent}: Pick<CallOptions, 'onEvent'> = {},
): Promise<void> {
  const {id, runtime} = record;
  const directory = volatileDirectory(context, id);
  // A start makes it before all else, and it is removed last.
  if (!existsSync(directory) && readStartNote(placesOf(context, id)) === null) return;
  recordEnd(context, record, {isOver: true});
  endWatch(context, record);
  await endServers(serversOf(context, id));
  await clearRuntime(context, {id, directory}, {findPath: () => runtime, mayHaveHooks: false});
  await leaveNetworks(context, directory, {onEvent});
  // Whom conmon has started sees all that the container has mounted, and a removal would go through.
  detachBelow(directory);
  removeTreeSync(directory);
}
