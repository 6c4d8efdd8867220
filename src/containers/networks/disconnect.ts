import {isWinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import {freeAddress} from '../../network/cni/free-address.ts';
import {type Attachment, removeAttachment} from '../../network/cni/run-plugin.ts';
import type {ContainerContext} from '../context.ts';
import {forgetConnection, listConnections, type Membership, readConnection} from './connection-note.ts';
import {addressDirectory, lockNetworks} from './places.ts';
import {dropDefaultNetwork, settleNetworks} from './settle.ts';
import {describeLeft, noteLeft} from './settle-left.ts';

export interface DisconnectRequest {
  /** The container's directory in memory. */
  readonly directory: string;
  /** Its network namespace while it is there: what is in it goes at once. Absent: the kernel clears it by itself. */
  readonly namespace?: string | undefined;
}

/**
 * Undoes what `connectContainer` did, as far as it was done; without effect on a container that has no networks. The note
 * of it goes last, so that who is killed here leaves what the next one needs.
 *
 * What cannot be undone now (iptables was uninstalled meanwhile, say) is noted and warned of, and keeps no container: the
 * next command tries again.
 */
export async function disconnectContainer(
  context: ContainerContext,
  {directory, namespace = ''}: DisconnectRequest,
  {onEvent}: Pick<CallOptions, 'onEvent'> = {},
): Promise<void> {
  if (readConnection(directory) === null) return;
  using _lock = await lockNetworks(context);
  const connection = readConnection(directory);
  if (connection === null) return;
  const {id, memberships} = connection;
  for (const membership of memberships) await detachEnded(context, membership, {containerId: id, namespace});
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

/** The devices of a container go with its namespace, whatever its plugins do; what they have noted does not. */
async function detachEnded(
  context: ContainerContext,
  {network, config, device}: Membership,
  at: Omit<Attachment, 'device'>,
): Promise<void> {
  try {
    await removeAttachment(config, {...at, device});
  } catch (error) {
    if (!isWinchError(error)) throw error;
    freeAddress(addressDirectory(context), {network: network.name, containerId: at.containerId, device});
  }
}
