import type {NetworkSummary} from '../containers/networks/list-networks.ts';
import {prefixLengthOf} from './network-settings.ts';
import {NEVER} from './never.ts';

/** A network that docker knows as well, of any driver. */
export interface ShownNetwork extends Omit<NetworkSummary, 'driver'> {
  readonly driver: string;
}

/** A network with the field names of `docker network inspect`, followed by what only winch knows. */
export const toDockerNetwork = (network: ShownNetwork) => ({
  Name: network.name,
  Id: network.id,
  Created: network.created ?? NEVER,
  Scope: 'local',
  Driver: network.driver,
  EnableIPv4: network.subnets.some(({gateway}) => !isSix(gateway)),
  EnableIPv6: network.subnets.some(({gateway}) => isSix(gateway)),
  IPAM: {
    Driver: 'default',
    Options: null,
    Config: network.subnets.map(({subnet, gateway, range}) => ({
      Subnet: subnet,
      Gateway: gateway,
      ...(range && {IPRange: `${range.first}-${range.last}`}),
    })),
  },
  Internal: network.isInternal,
  Attachable: false,
  Ingress: false,
  ConfigFrom: {Network: ''},
  ConfigOnly: false,
  Containers: Object.fromEntries(network.containers.map((member) => [member.id, toDockerMember(member, network)])),
  Options: {
    ...(network.parent && {parent: network.parent.device, [`${network.driver}_mode`]: network.parent.mode}),
    ...(network.mtu !== null && {'com.docker.network.driver.mtu': String(network.mtu)}),
  },
  Labels: network.labels,
  Bridge: network.bridge,
});

function toDockerMember(
  {name, addresses, macAddress}: ShownNetwork['containers'][number],
  {subnets}: Pick<ShownNetwork, 'subnets'>,
) {
  const texts = subnets.map(({subnet}) => subnet);
  const withPrefix = (address: string | undefined) =>
    address === undefined ? '' : `${address}/${prefixLengthOf(address, texts)}`;
  return {
    Name: name,
    EndpointID: '',
    MacAddress: macAddress,
    IPv4Address: withPrefix(addresses.find((address) => !isSix(address))),
    IPv6Address: withPrefix(addresses.find(isSix)),
  };
}

const isSix = (address: string): boolean => address.includes(':');
