import type {ContainerOptions} from '../bundle/container-options.ts';
import {WinchError} from '../errors.ts';
import type {NetworkJoin, NetworkMode, PortProtocol, PublishRequest} from '../network/network-mode.ts';
import {definedMembers} from '../oci/defined-members.ts';
import {type BodyFields, nonEmpty} from './body-fields.ts';

const DEFAULT_NETWORK = 'bridge';
/** What clients write for the network that is usual. */
const DEFAULT_WORDS = ['', 'default', DEFAULT_NETWORK];
const PORT = /^(\d{1,5})(?:\/(tcp|udp|sctp))?$/;

/**
 * What a body says of a container's networks, names and ports.
 *
 * @param isUser Whether it is for somebody else than root, who has no bridges.
 * @throws {WinchError} `BODY_INVALID`
 */
export function readNetwork(config: BodyFields, host: BodyFields, isUser: boolean): ContainerOptions {
  const [servers, search, options] = ['Dns', 'DnsSearch', 'DnsOptions'].map((name) => nonEmpty(host.texts(name)));
  return definedMembers({
    network: readMode(host.text('NetworkMode') ?? '', {
      endpoints: config.record('NetworkingConfig').record('EndpointsConfig'),
      isUser,
    }),
    publish: nonEmpty(readPorts(host.record('PortBindings'))),
    publishAll: host.flag('PublishAllPorts'),
    extraHosts: host.texts('ExtraHosts')?.map(readExtraHost),
    dns: servers || search || options ? definedMembers({servers, search, options}) : undefined,
  });
}

interface Networking {
  readonly endpoints: BodyFields;
  readonly isUser: boolean;
}

function readMode(mode: string, {endpoints, isUser}: Networking): NetworkMode {
  if (mode === 'none' || mode === 'host') return mode;
  if (mode.startsWith('container:')) return {container: mode.slice('container:'.length)};
  const name = DEFAULT_WORDS.includes(mode) ? DEFAULT_NETWORK : mode;
  const others = endpoints.names().filter((other) => other !== name && !DEFAULT_WORDS.includes(other));
  if (isUser && name === DEFAULT_NETWORK && others.length === 0) return {stack: null};
  return {networks: [name, ...others].map((joined) => readJoin(joined, endpoints.record(joined)))};
}

function readJoin(name: string, endpoint: BodyFields): NetworkJoin {
  const ipam = endpoint.record('IPAMConfig');
  const addresses = [ipam.text('IPv4Address'), ipam.text('IPv6Address')].filter((address) => Boolean(address));
  return definedMembers({
    name,
    aliases: nonEmpty(endpoint.texts('Aliases')),
    addresses: addresses.length > 0 ? addresses.map(String) : undefined,
    macAddress: endpoint.text('MacAddress') || undefined,
  });
}

/** `{"80/tcp": [{"HostIp": "", "HostPort": "8080"}]}` */
const readPorts = (bindings: BodyFields): readonly PublishRequest[] =>
  bindings.names().flatMap((inner) => {
    const [, port, protocol = 'tcp'] = PORT.exec(inner) ?? [];
    const outer = bindings.records(inner);
    return outer.map((binding) => ({
      hostAddress: addressOf(binding.text('HostIp') ?? ''),
      hostPorts: rangeOf(binding.text('HostPort') ?? ''),
      containerPort: portOf(port ?? ''),
      protocol: protocol as PortProtocol,
    }));
  });

const addressOf = (address: string): string | null => (['', '0.0.0.0', '::'].includes(address) ? null : address);

function rangeOf(text: string): PublishRequest['hostPorts'] {
  if (text === '' || text === '0') return null;
  const [first = '', last = first] = text.split('-');
  return {first: portOf(first), last: portOf(last)};
}

function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port >= 1 && port <= 65_535) return port;
  throw new WinchError('BODY_INVALID', `${JSON.stringify(text)} is no port`, {kind: 'invalid'});
}

function readExtraHost(entry: string): {readonly name: string; readonly address: string} {
  const colon = entry.indexOf(':');
  if (colon > 0) return {name: entry.slice(0, colon), address: entry.slice(colon + 1)};
  throw new WinchError('BODY_INVALID', `the line of hosts ${JSON.stringify(entry)} is not NAME:ADDRESS`, {
    kind: 'invalid',
  });
}
