import type {CallOptions} from '../../events.ts';
import {
  DEFAULT_NETWORK,
  type NetworkDefinition,
  type NetworkDriver,
  type NetworkParent,
  type NetworkSubnet,
} from '../../network/definition.ts';
import type {ContainerContext} from '../context.ts';
import {type ConnectionNote, listConnections} from './connection-note.ts';
import {defaultNetworkId, findDefaultNetwork, listNetworks, unknownNetwork} from './definitions.ts';

export interface NetworkSummary {
  readonly name: string;
  readonly id: string;
  /** ISO 8601; null for the default network as long as nobody uses it. */
  readonly created: string | null;
  readonly driver: NetworkDriver;
  /** The bridge's device on this machine; null where there is none. */
  readonly bridge: string | null;
  /** Absent: it is a bridge. */
  readonly parent?: NetworkParent;
  readonly subnets: readonly NetworkSubnet[];
  readonly isInternal: boolean;
  readonly mtu: number | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly containers: readonly NetworkMember[];
}

export interface NetworkMember {
  readonly id: string;
  readonly name: string | null;
  readonly addresses: readonly string[];
  readonly macAddress: string | null;
}

const UNUSED = Object.freeze({created: null, bridge: null, subnets: [], isInternal: false, mtu: null});

/** The default network first, then those that somebody has made, by name. */
export async function listNetworkSummaries(
  context: ContainerContext,
  _options: CallOptions = {},
): Promise<readonly NetworkSummary[]> {
  const connections = listConnections(context);
  const unused = {...UNUSED, name: DEFAULT_NETWORK, id: defaultNetworkId(context), labels: {}};
  const byDefault = findDefaultNetwork(context) ?? unused;
  return [byDefault, ...listNetworks(context)].map((network) => summaryOf(network, connections));
}

/**
 * @param name Its name, its id, or the first digits of its id.
 * @throws {WinchError} `NETWORK_UNKNOWN`
 */
export async function inspectNetwork(context: ContainerContext, name: string): Promise<NetworkSummary> {
  const networks = await listNetworkSummaries(context);
  const found =
    networks.find((network) => network.name === name) ??
    networks.find(({id}) => name.length >= MINIMUM_ID && id.startsWith(name));
  if (found) return found;
  throw unknownNetwork(name);
}

/** Fewer digits are rather a name. */
const MINIMUM_ID = 4;

const summaryOf = (
  network: Omit<NetworkDefinition, 'created' | 'bridge'> & Pick<NetworkSummary, 'created' | 'bridge'>,
  connections: readonly ConnectionNote[],
): NetworkSummary => ({
  ...network,
  driver: network.parent?.driver ?? 'bridge',
  ...(network.parent && {bridge: null}),
  containers: connections.flatMap(({id, name, memberships}) =>
    memberships
      .filter((membership) => membership.network.name === network.name)
      .map(({addresses, macAddress}) => ({id, name, addresses, macAddress})),
  ),
});
