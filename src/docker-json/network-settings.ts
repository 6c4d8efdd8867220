import type {ContainerNetworks} from '../containers/networks/read-networks.ts';
import type {NetworkMode, PublishedPort} from '../network/network-mode.ts';

type Membership = ContainerNetworks['networks'][number];

const EVERYWHERE = '0.0.0.0';
const SHORT_ID = 12;

export interface ConnectedContainer extends ContainerNetworks {
  readonly id: string;
  readonly name: string | null;
  /** What it was made with; absent: that is not known. */
  readonly mode?: NetworkMode | undefined;
  /** Ports that it says it has (`80/tcp`). */
  readonly exposed?: readonly string[];
}

/** How a container is connected, with the field names of `docker container inspect`. */
export function toNetworkSettings(container: ConnectedContainer) {
  const [first] = container.networks;
  return {
    ...{Bridge: '', SandboxID: '', SandboxKey: '', EndpointID: '', HairpinMode: false},
    ...{LinkLocalIPv6Address: '', LinkLocalIPv6PrefixLen: 0, SecondaryIPAddresses: null, SecondaryIPv6Addresses: null},
    ...toAddresses(first ?? NOWHERE),
    Ports: toPorts(container),
    Networks: toNetworks(container),
  };
}

/** Those that it is in; docker counts the machine's own, and none, as networks as well. */
export const toNetworks = (
  container: Omit<ConnectedContainer, 'ports'>,
): Readonly<Record<string, ReturnType<typeof toEndpoint>>> =>
  container.mode === 'host' || container.mode === 'none'
    ? {[container.mode]: toEndpoint(container, NOWHERE)}
    : Object.fromEntries(container.networks.map((network) => [network.name, toEndpoint(container, network)]));

/** Ports that lead nowhere are listed where the container runs. */
function toPorts({ports, networks, exposed = []}: ConnectedContainer) {
  const isConnected = networks.some(({addresses}) => addresses.length > 0);
  const published = [...Map.groupBy(ports, innerOf)].map(([inner, outer]) => [
    inner,
    outer.map(({hostAddress, hostPort}) => ({HostIp: hostAddress ?? EVERYWHERE, HostPort: String(hostPort)})),
  ]);
  return Object.fromEntries([...(isConnected ? exposed.map((inner) => [inner, null]) : []), ...published]);
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
export const innerOf = ({containerPort, protocol}: Pick<PublishedPort, 'containerPort' | 'protocol'>): string =>
  `${containerPort}/${protocol}`;

/** The prefix length of the subnet that an address is of; 0: of none of these. */
export function prefixLengthOf(address: string, subnets: readonly string[]): number {
  const subnet = subnets.find((candidate) => isSix(candidate) === isSix(address));
  return Number(subnet?.split('/')[1] ?? 0);
}

const NOWHERE: Membership = Object.freeze({
  ...{name: '', id: '', device: '', macAddress: null},
  ...{addresses: [], gateways: [], subnets: [], aliases: []},
});

function toEndpoint({id, name}: Pick<ConnectedContainer, 'id' | 'name'>, network: Membership) {
  const {aliases} = network;
  const names = [...(name === null ? [] : [name]), ...aliases, id.slice(0, SHORT_ID)];
  return {
    ...{IPAMConfig: null, Links: null, DriverOpts: null, GwPriority: 0, EndpointID: ''},
    Aliases: aliases.length > 0 ? aliases : null,
    NetworkID: network.id,
    DNSNames: [...new Set(names)],
    ...toAddresses(network),
  };
}

function toAddresses({addresses, gateways, subnets, macAddress}: Membership) {
  const [four, six] = [addresses.find((address) => !isSix(address)), addresses.find(isSix)];
  return {
    IPAddress: four ?? '',
    IPPrefixLen: four === undefined ? 0 : prefixLengthOf(four, subnets),
    Gateway: gateways.find((gateway) => !isSix(gateway)) ?? '',
    GlobalIPv6Address: six ?? '',
    GlobalIPv6PrefixLen: six === undefined ? 0 : prefixLengthOf(six, subnets),
    IPv6Gateway: gateways.find(isSix) ?? '',
    MacAddress: macAddress ?? '',
  };
}

const isSix = (address: string): boolean => address.includes(':');
