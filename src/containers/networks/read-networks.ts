import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {EXPOSED_PORTS} from '../../bundle/annotations.ts';
import type {ContainerOptions} from '../../bundle/container-options.ts';
import {parseRuntimeSpec} from '../../bundle/create-bundle.ts';
import {DEFAULT_NETWORK} from '../../network/definition.ts';
import type {NetworkJoin, PublishedPort} from '../../network/network-mode.ts';
import {unlessGone} from '../../store/unless-gone.ts';
import type {ContainerContext} from '../context.ts';
import {readConnection} from './connection-note.ts';
import {defaultNetworkId, findNetwork} from './definitions.ts';
import {readStack} from './stack-note.ts';

/** How a container is connected, and where it would be if it ran. */
export interface ContainerNetworks {
  readonly networks: readonly ContainerMembership[];
  /** Its ports that are ports of this machine; none of one that does not run. */
  readonly ports: readonly PublishedPort[];
  /** Ports that its image says it has (`80/tcp`, `8000-8010`), as long as it is connected; absent: none. */
  readonly exposed?: readonly string[];
}

export interface ContainerMembership {
  /** The network's name and id; an empty id where the network is gone. */
  readonly name: string;
  readonly id: string;
  /** In the container; empty as long as it does not run, as are the addresses. */
  readonly device: string;
  readonly addresses: readonly string[];
  readonly gateways: readonly string[];
  /** Of the network: `10.1.2.0/24`. */
  readonly subnets: readonly string[];
  readonly macAddress: string | null;
  readonly aliases: readonly string[];
}

/** @param directory The container's directory in memory. */
export function readNetworks(directory: string): ContainerNetworks {
  const connection = readConnection(directory) ?? readStack(directory);
  if (connection === null) return {networks: [], ports: []};
  const {ports} = connection;
  const memberships = 'memberships' in connection ? connection.memberships : [];
  const networks = memberships.map(({network, device, addresses, macAddress, aliases}) => ({
    ...{name: network.name, id: network.id},
    ...{device, addresses, macAddress, aliases},
    gateways: network.subnets.map(({gateway}) => gateway),
    subnets: network.subnets.map(({subnet}) => subnet),
  }));
  return {networks, ports, exposed: readExposed(directory)};
}

/** As `readNetworks`; of one that does not run the networks that it will join. */
export function readKeptNetworks(
  context: ContainerContext,
  directory: string,
  {network}: Pick<ContainerOptions, 'network'>,
): ContainerNetworks {
  const connected = readNetworks(directory);
  const joins = typeof network === 'object' && 'networks' in network ? network.networks : [];
  if (connected.networks.length > 0 || joins.length === 0) return connected;
  return {...connected, networks: joins.map((join) => membershipToBe(context, join))};
}

function readExposed(directory: string): readonly string[] {
  const config = unlessGone(() => readFileSync(join(directory, 'config.json'), 'utf8'), null);
  const {annotations} = config === null ? {} : parseRuntimeSpec(config);
  return annotations?.[EXPOSED_PORTS]?.split(',').filter(Boolean) ?? [];
}

const membershipToBe = (context: ContainerContext, {name, aliases = []}: NetworkJoin): ContainerMembership => ({
  name,
  id: name === DEFAULT_NETWORK ? defaultNetworkId(context) : (findNetwork(context, name)?.id ?? ''),
  ...{device: '', addresses: [], gateways: [], subnets: [], macAddress: null, aliases},
});
