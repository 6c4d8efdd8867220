import {removeAttachment} from '../../network/cni/run-plugin.ts';
import type {ContainerContext} from '../context.ts';
import {forgetConnection, listConnections, readConnection} from './connection-note.ts';
import {lockNetworks} from './places.ts';
import {settleNetworks} from './settle.ts';

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
 * @throws {WinchError} `NETWORK_PLUGIN_NOT_FOUND` | `NETWORK_FAILED` | `FIREWALL_NOT_FOUND` | `FIREWALL_FAILED`
 */
export async function disconnectContainer(
  context: ContainerContext,
  {directory, namespace = ''}: DisconnectRequest,
): Promise<void> {
  if (readConnection(directory) === null) return;
  using _lock = await lockNetworks(context);
  const connection = readConnection(directory);
  if (connection === null) return;
  const {id, memberships} = connection;
  for (const {config, device} of memberships) await removeAttachment(config, {containerId: id, namespace, device});
  const others = listConnections(context).filter((other) => other.id !== id);
  await settleNetworks(
    context,
    others,
    memberships.map(({network}) => network),
  );
  forgetConnection(directory);
}
