import type {PublishedPort} from '../../network/network-mode.ts';
import {readConnection} from './connection-note.ts';
import {readStack} from './stack-note.ts';

/** How a container is connected now; nothing for one that does not run, or has no network of its own. */
export interface ContainerNetworks {
  readonly networks: readonly ContainerMembership[];
  /** Its ports that are ports of this machine. */
  readonly ports: readonly PublishedPort[];
}

export interface ContainerMembership {
  /** The network's name and id. */
  readonly name: string;
  readonly id: string;
  /** In the container. */
  readonly device: string;
  readonly addresses: readonly string[];
  readonly gateways: readonly string[];
  readonly macAddress: string | null;
  readonly aliases: readonly string[];
}

/** @param directory The container's directory in memory. */
export function readNetworks(directory: string): ContainerNetworks {
  const {memberships = [], ports = readStack(directory)?.ports ?? []} = readConnection(directory) ?? {};
  const networks = memberships.map(({network, device, addresses, macAddress, aliases}) => ({
    ...{name: network.name, id: network.id},
    ...{device, addresses, macAddress, aliases},
    gateways: network.subnets.map(({gateway}) => gateway),
  }));
  return {networks, ports};
}
