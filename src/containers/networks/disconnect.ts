import {isWinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import {freeAddress} from '../../network/cni/free-address.ts';
import type {ContainerContext} from '../context.ts';
import {forgetConnection, listConnections, readConnection} from './connection-note.ts';
import {addressDirectory, lockNetworks} from './places.ts';
import {dropDefaultNetwork, settleNetworks} from './settle.ts';
import {describeLeft, noteLeft} from './settle-left.ts';

/**
 * Undoes what `connectContainer` did, as far as it was done; without effect on a container that has no networks. The note
 * of it goes last, so that who is killed here leaves what the next one needs.
 *
 * No plugin is asked: the devices go with the namespace, which the kernel clears by itself, and what is left of the
 * container is its addresses. What cannot be undone now (iptables was uninstalled meanwhile, say) is noted and warned of,
 * and keeps no container: the next command tries again.
 *
 * @param directory The container's, in memory.
 */
export async function disconnectContainer(
  context: ContainerContext,
  directory: string,
  {onEvent}: Pick<CallOptions, 'onEvent'> = {},
): Promise<void> {
  if (readConnection(directory) === null) return;
  using _lock = await lockNetworks(context);
  const connection = readConnection(directory);
  if (connection === null) return;
  const {id, memberships} = connection;
  for (const {network, device} of memberships) {
    freeAddress(addressDirectory(context), {network: network.name, containerId: id, device});
  }
  const others = listConnections(context).filter((other) => other.id !== id);
  const touched = memberships.map(({network}) => network);
  try {
    // Whoever got no further may have made the default network.
    if (touched.length === 0) await dropDefaultNetwork(context, others);
    else await settleNetworks(context, others, touched);
  } catch (error) {
    if (!isWinchError(error)) throw error;
    noteLeft(context, touched);
    onEvent?.({type: 'warning:raised', code: 'CLEANUP_FAILED', message: describeLeft(error)});
  }
  forgetConnection(directory);
}
