import type {ContainerContext} from '../containers/context.ts';
import type {CreateNetworkRequest} from '../containers/networks/create-network.ts';
import type {NetworkSummary} from '../containers/networks/list-networks.ts';
import type {PruneNetworksOptions} from '../containers/networks/remove-network.ts';
import type {CallOptions} from '../events.ts';
import type {NetworkJoin} from '../network/network-mode.ts';

/** Networks that containers join, where they find one another by name. */
export interface Networks {
  /** Makes a network. @returns its id */
  create(request: CreateNetworkRequest, options?: CallOptions): Promise<string>;
  /** The default network, then all others, by name. */
  list(options?: CallOptions): Promise<readonly NetworkSummary[]>;
  /** A network by its name, its id, or the first digits of its id, with its containers. */
  inspect(network: string): Promise<NetworkSummary>;
  /** Connects a container to one more network; a run in the foreground has to go on. */
  connect(container: string, join: NetworkJoin, options?: CallOptions): Promise<void>;
  /** Takes a container out of one of its networks. */
  disconnect(container: string, network: string, options?: CallOptions): Promise<void>;
  /** Removes a network that no container has. @returns its name */
  remove(network: string, options?: CallOptions): Promise<string>;
  /** Removes the networks that no container has. @returns their names */
  prune(options?: PruneNetworksOptions): Promise<readonly string[]>;
}

export const openNetworks = (context: ContainerContext): Networks => ({
  create: async (...args) => (await import('../containers/networks/create-network.ts')).createNetwork(context, ...args),
  list: async (...args) =>
    (await import('../containers/networks/list-networks.ts')).listNetworkSummaries(context, ...args),
  inspect: async (name) => (await import('../containers/networks/list-networks.ts')).inspectNetwork(context, name),
  connect: async (...args) => (await import('../containers/networks/join-network.ts')).joinNetwork(context, ...args),
  disconnect: async (...args) =>
    (await import('../containers/networks/join-network.ts')).leaveNetwork(context, ...args),
  remove: async (...args) => (await import('../containers/networks/remove-network.ts')).removeNetwork(context, ...args),
  prune: async (...args) => (await import('../containers/networks/remove-network.ts')).pruneNetworks(context, ...args),
});
