import type {NetworkSummary} from '../../containers/networks/list-networks.ts';
import {formatRows} from './format.ts';
import {safeText} from './safe-text.ts';

export interface NetworksView {
  readonly format: string | undefined;
  readonly namesOnly: boolean;
  /** Ids in full. */
  readonly isFull: boolean;
}

const HEADINGS = {
  ID: 'NETWORK ID',
  Name: 'NAME',
  Driver: 'DRIVER',
  Subnets: 'SUBNETS',
  Containers: 'CONTAINERS',
  Internal: 'INTERNAL',
  CreatedAt: 'CREATED AT',
  Labels: 'LABELS',
} as const;

const SHORT_ID = 12;

/** Networks as docker lists them, with their subnets and the number of their containers. */
export function renderNetworks(networks: readonly NetworkSummary[], view: NetworksView): string {
  if (view.namesOnly) return networks.map(({name}) => safeText(name)).join('\n');
  const defaultColumns = ['ID', 'Name', 'Driver', 'Subnets', 'Containers'];
  const rows = networks.map((network) => toRow(network, view));
  return formatRows({headings: HEADINGS, defaultColumns, rows, data: networks}, view.format);
}

const toRow = (network: NetworkSummary, {isFull}: NetworksView) => ({
  ID: (isFull ? network.id : network.id?.slice(0, SHORT_ID)) ?? '',
  Name: safeText(network.name),
  Driver: network.driver,
  Subnets: network.subnets.map(({subnet}) => subnet).join(' '),
  Containers: String(network.containers.length),
  Internal: String(network.isInternal),
  CreatedAt: network.created ?? '',
  Labels: safeText(
    Object.entries(network.labels)
      .map(([name, value]) => `${name}=${value}`)
      .join(','),
  ),
});

/** A network with the field names of `docker network inspect`. */
export const toDockerNetwork = (network: NetworkSummary) => ({
  Name: network.name,
  Id: network.id,
  Created: network.created,
  Scope: 'local',
  Driver: network.driver,
  EnableIPv6: network.subnets.some(({gateway}) => gateway.includes(':')),
  IPAM: {
    Driver: 'host-local',
    Config: network.subnets.map(({subnet, gateway, range}) => ({
      Subnet: subnet,
      Gateway: gateway,
      ...(range && {IPRange: `${range.first}-${range.last}`}),
    })),
  },
  Internal: network.isInternal,
  Containers: Object.fromEntries(network.containers.map((member) => [member.id, toDockerMember(member)])),
  Options: {
    ...(network.bridge !== null && {'com.docker.network.bridge.name': network.bridge}),
    ...(network.parent && {parent: network.parent.device, [`${network.driver}_mode`]: network.parent.mode}),
    ...(network.mtu !== null && {'com.docker.network.driver.mtu': String(network.mtu)}),
  },
  Labels: network.labels,
});

const toDockerMember = ({name, addresses, macAddress}: NetworkSummary['containers'][number]) => ({
  Name: name,
  MacAddress: macAddress,
  IPv4Address: addresses.find((address) => !address.includes(':')) ?? '',
  IPv6Address: addresses.find((address) => address.includes(':')) ?? '',
});
