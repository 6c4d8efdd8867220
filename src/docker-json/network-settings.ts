import type {ContainerNetworks} from '../containers/networks/read-networks.ts';
import type {NetworkMode, PublishedPort} from '../network/network-mode.ts';

type Membership = ContainerNetworks['networks'][number];

const EVERYWHERE = '0.0.0.0';

/** How a container is connected, with the field names of `docker container inspect`. */
export function toNetworkSettings({networks, ports}: ContainerNetworks) {
  const [first] = networks;
  return {
    ...(first
      ? toAddresses(first)
      : {IPAddress: '', Gateway: '', GlobalIPv6Address: '', IPv6Gateway: '', MacAddress: ''}),
    Ports: Object.fromEntries(
      [...Map.groupBy(ports, innerOf)].map(([inner, outer]) => [
        inner,
        outer.map(({hostAddress, hostPort}) => ({HostIp: hostAddress ?? EVERYWHERE, HostPort: String(hostPort)})),
      ]),
    ),
    Networks: Object.fromEntries(
      networks.map((network) => [
        network.name,
        {NetworkID: network.id, Aliases: network.aliases, ...toAddresses(network)},
      ]),
    ),
  };
}

/** As the flag takes it, and docker's inspect shows it. */
export function formatNetworkMode(mode: NetworkMode = 'none'): string {
  if (typeof mode === 'string') return mode;
  if ('stack' in mode) return mode.stack ?? 'bridge';
  if ('container' in mode) return `container:${mode.container}`;
  return 'namespace' in mode ? `ns:${mode.namespace}` : mode.networks.map(({name}) => name).join(',');
}

/** As docker's list shows them: `0.0.0.0:8080->80/tcp`. */
export const formatPorts = (ports: readonly PublishedPort[]): string =>
  ports.map((port) => `${formatHostPort(port)}->${innerOf(port)}`).join(', ');

/** `0.0.0.0:8080`, `[::1]:8080` */
export function formatHostPort({hostAddress, hostPort}: PublishedPort): string {
  const address = hostAddress ?? EVERYWHERE;
  return `${address.includes(':') ? `[${address}]` : address}:${hostPort}`;
}

/** `80/tcp` */
export const innerOf = ({containerPort, protocol}: PublishedPort): string => `${containerPort}/${protocol}`;

function toAddresses({addresses, gateways, macAddress}: Membership) {
  const isSix = (address: string) => address.includes(':');
  const isFour = (address: string) => !isSix(address);
  return {
    IPAddress: addresses.find(isFour) ?? '',
    Gateway: gateways.find(isFour) ?? '',
    GlobalIPv6Address: addresses.find(isSix) ?? '',
    IPv6Gateway: gateways.find(isSix) ?? '',
    MacAddress: macAddress ?? '',
  };
}
