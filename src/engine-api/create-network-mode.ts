import type {ContainerOptions} from '../bundle/container-options.ts';
import {WinchError} from '../errors.ts';
import type {NetworkMode, PublishRequest} from '../network/network-mode.ts';
import {readContainerPorts, readHostAddress, readHostPorts} from '../network/port-form.ts';
import {definedMembers} from '../oci/defined-members.ts';
import {type BodyFields, nonEmpty} from './body-fields.ts';
import {readJoin, readLinks} from './network-request.ts';

const DEFAULT_NETWORK = 'bridge';
/** What clients write for the network that is usual. */
const DEFAULT_WORDS = ['', 'default', DEFAULT_NETWORK];

/**
 * What a body says of a container's networks, names and ports.
 *
 * @param isUser Whether it is for somebody else than root, who has no bridges.
 * @throws {WinchError} `BODY_INVALID`
 */
export function readNetwork(config: BodyFields, host: BodyFields, isUser: boolean): ContainerOptions {
  const [servers, search, options] = ['Dns', 'DnsSearch', 'DnsOptions'].map((name) => nonEmpty(host.texts(name)));
  return definedMembers({
    network: readMode(config.flag('NetworkDisabled') ? 'none' : (host.text('NetworkMode') ?? ''), {
      config,
      host,
      isUser,
    }),
    publish: nonEmpty([...readPorts(host.record('PortBindings')), ...readExposed(config, host)]),
    publishAll: host.flag('PublishAllPorts'),
    extraHosts: host.texts('ExtraHosts')?.map(readExtraHost),
    dns: servers || search || options ? definedMembers({servers, search, options}) : undefined,
  });
}

interface Networking {
  readonly config: BodyFields;
  readonly host: BodyFields;
  readonly isUser: boolean;
}

function readMode(mode: string, {config, host, isUser}: Networking): NetworkMode {
  const endpoints = config.record('NetworkingConfig').record('EndpointsConfig');
  // Older clients say these of the container.
  const ofFirst = definedMembers({
    macAddress: config.text('MacAddress') || undefined,
    links: readLinks(host.texts('Links')),
  });
  if (mode === 'none' || mode === 'host') return mode;
  if (mode.startsWith('container:')) return {container: mode.slice('container:'.length)};
  const name = DEFAULT_WORDS.includes(mode) ? DEFAULT_NETWORK : mode;
  const others = endpoints.names().filter((other) => other !== name && !DEFAULT_WORDS.includes(other));
  if (isUser && name === DEFAULT_NETWORK && others.length === 0) return {stack: null};
  const [first, ...more] = [name, ...others].map((joined) => readJoin(joined, endpointOf(endpoints, joined)));
  return {networks: first ? [{...ofFirst, ...first}, ...more] : []};
}

const endpointOf = (endpoints: BodyFields, name: string): BodyFields =>
  endpoints.record(name === DEFAULT_NETWORK && endpoints.names().includes('default') ? 'default' : name);

/** What the image exposes is published by another way; these are a client's own. */
function readExposed(config: BodyFields, host: BodyFields): readonly PublishRequest[] {
  if (!host.flag('PublishAllPorts')) return [];
  const bound = host.record('PortBindings').names();
  const own = config.record('ExposedPorts').names();
  return own.filter((inner) => !bound.includes(inner)).map((inner) => ({...innerOf(inner), ...ANYWHERE}));
}

const ANYWHERE = Object.freeze({hostAddress: null, hostPorts: null});

/** `{"80/tcp": [{"HostIp": "", "HostPort": "8080"}]}` */
const readPorts = (bindings: BodyFields): readonly PublishRequest[] =>
  bindings.names().flatMap((inner) => {
    const outer = bindings.records(inner);
    return outer.map((binding) => ({
      hostAddress: readHostAddress(binding.text('HostIp') ?? ''),
      hostPorts: rangeOf(binding.text('HostPort') ?? ''),
      ...innerOf(inner),
    }));
  });

function innerOf(text: string): Pick<PublishRequest, 'containerPort' | 'protocol'> {
  const read = readContainerPorts(text);
  if (read === null || read.ports.first !== read.ports.last) throw noPort(text);
  return {containerPort: read.ports.first, protocol: read.protocol};
}

function rangeOf(text: string): PublishRequest['hostPorts'] {
  const ports = readHostPorts(text);
  if (ports === null) throw noPort(text);
  return ports === 'any' ? null : ports;
}

const noPort = (text: string): WinchError =>
  new WinchError('BODY_INVALID', `${JSON.stringify(text)} is no port`, {kind: 'invalid'});

function readExtraHost(entry: string): {readonly name: string; readonly address: string} {
  const colon = entry.indexOf(':');
  if (colon > 0) return {name: entry.slice(0, colon), address: entry.slice(colon + 1)};
  throw new WinchError('BODY_INVALID', `the line of hosts ${JSON.stringify(entry)} is not NAME:ADDRESS`, {
    kind: 'invalid',
  });
}
