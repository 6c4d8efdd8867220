import {isIP} from 'node:net';
import type {ContainerOptions} from '../../bundle/container-options.ts';
import {DEFAULT_NETWORK} from '../../network/definition.ts';
import type {NetworkJoin, NetworkMode, PublishRequest} from '../../network/network-mode.ts';
import {definedMembers} from '../../oci/defined-members.ts';
import {flag, grouped, list, type OptionValues, text} from '../arguments/option-table.ts';
import {flagInvalid, flagsConflict, quote} from '../arguments/usage-error.ts';
import type {Environment} from '../environment.ts';
import {parseNetworkJoin, requireMacAddress} from './network-join.ts';
import {parseExposed, parsePublish} from './publish.ts';

/** Flags about the network and names. */
export const NETWORK_FLAGS = grouped('Network:', {
  network: list(
    'NETWORK',
    "host (the machine's own), none, bridge, the name of a network, container:NAME, ns:PATH; pasta or slirp4netns, which " +
      'bridge is for users; may be given for several',
    {aliases: ['net'], defaultsTo: '$WINCH_NETWORK or host, and bridge with --publish'},
  ),
  publish: list('[[ADDRESS:]PORT:]PORT', 'Make a port of the container one of this machine', {short: 'p'}),
  'publish-all': flag('Make every port that the image exposes one of this machine', {short: 'P'}),
  expose: list('PORT[/PROTOCOL]', 'With --publish-all, this port as well (80, 53/udp, 8000-8010)'),
  'network-alias': list('NAME', 'A further name in its networks', {aliases: ['net-alias']}),
  ip: text('ADDRESS', 'Its IPv4 address in the network'),
  ip6: text('ADDRESS', 'Its IPv6 address in the network'),
  'mac-address': text('ADDRESS', 'Its hardware address in the network'),
  hostname: text('NAME', 'Host name inside the container', {short: 'h'}),
  domainname: text('NAME', 'NIS domain name inside the container'),
  'add-host': list('NAME:ADDRESS', 'Add a line to /etc/hosts; host-gateway as the address is this machine'),
  dns: list('ADDRESS', 'Ask this name server'),
  'dns-search': list('DOMAIN', 'Search names in this domain'),
  'dns-option': list('OPTION', 'An option of resolv.conf(5)', {aliases: ['dns-opt']}),
});

type NetworkValues = OptionValues<typeof NETWORK_FLAGS>;

/**
 * @param isUser Whether it is for somebody else than root.
 * @throws {WinchError} `FLAG_INVALID` | `FLAGS_CONFLICT`
 */
export function parseNetwork(values: NetworkValues, isUser: boolean): ContainerOptions {
  const dns = definedMembers({servers: values.dns, search: values['dns-search'], options: values['dns-option']});
  const network = parseMode(values, isUser);
  if (typeof network === 'object' && 'stack' in network) requireNone(values, OF_NETWORKS);
  else if (typeof network === 'string' || !('networks' in network)) requireNone(values, OF_MEMBERS);
  return definedMembers({
    network,
    publish: parsePublished(values),
    publishAll: values['publish-all'],
    hostname: values.hostname,
    domainname: values.domainname,
    extraHosts: values['add-host']?.map(parseExtraHost),
    dns: Object.keys(dns).length > 0 ? dns : undefined,
  });
}

/**
 * The network of containers for which none is asked, as the user has settled (`$WINCH_NETWORK`): not one in which no port
 * can be published, where some are to be.
 */
export function findUsualNetwork(
  {network, publish, 'publish-all': publishAll}: NetworkValues,
  {variables: {WINCH_NETWORK: usual}}: Pick<Environment, 'variables'>,
): Pick<NetworkValues, 'network'> {
  if (network !== undefined || !usual) return {};
  return (publish || publishAll) && !takesPorts(parseLoneMode(usual)) ? {} : {network: [usual]};
}

const takesPorts = (mode: NetworkMode | null): boolean =>
  mode === null || (typeof mode === 'object' && 'stack' in mode);

/** What is exposed is published by `--publish-all` only, to any free port, unless it is to a certain one. */
function parsePublished({publish, expose = [], 'publish-all': isAll}: NetworkValues): ContainerOptions['publish'] {
  const asked = publish?.flatMap(parsePublish);
  const exposed = expose.flatMap(parseExposed);
  if (!isAll || exposed.length === 0) return asked;
  const isAsked = (port: PublishRequest) =>
    asked?.some(({containerPort, protocol}) => containerPort === port.containerPort && protocol === port.protocol);
  return [...(asked ?? []), ...exposed.filter((port) => !isAsked(port))];
}

function parseMode(values: NetworkValues, isUser: boolean): NetworkMode {
  const words = values.network ?? [values.publish || values['publish-all'] ? 'bridge' : 'host'];
  const lone = words.find((word) => parseLoneMode(word) !== null);
  if (lone === undefined) {
    const joins = words.map(parseNetworkJoin);
    const isDefault = joins.length === 1 && joins[0]?.name === DEFAULT_NETWORK;
    return isDefault && isUser ? {stack: null} : {networks: addToFirst(joins, values)};
  }
  if (words.length === 1) return parseLoneMode(lone) ?? 'none';
  throw flagsConflict(`--network ${lone} does not go with another network`, 'leave out one of them');
}

function parseLoneMode(word: string): NetworkMode | null {
  if (word === 'none' || word === 'host') return word;
  if (word === 'pasta' || word === 'slirp4netns') return {stack: word};
  const [, kind, rest = ''] = /^(container|ns):(.+)$/.exec(word) ?? [];
  if (kind === 'container') return {container: rest};
  return kind === 'ns' ? {namespace: rest} : null;
}

/** What the flags beside `--network` say is of the first network, and the aliases of all. */
function addToFirst(joins: readonly NetworkJoin[], values: NetworkValues): readonly NetworkJoin[] {
  const {ip, ip6, 'mac-address': macAddress, 'network-alias': aliases = []} = values;
  if (ip !== undefined && isIP(ip) !== 4) throw flagInvalid('--ip', `${quote(ip)} is no IPv4 address`, '--ip 10.1.2.3');
  if (ip6 !== undefined && isIP(ip6) !== 6) {
    throw flagInvalid('--ip6', `${quote(ip6)} is no IPv6 address`, '--ip6 fd00::5');
  }
  if (macAddress !== undefined) requireMacAddress('--mac-address', macAddress);
  const own = [ip, ip6].filter((address) => address !== undefined);
  return joins.map((join, index) =>
    definedMembers({
      ...join,
      aliases: [...(join.aliases ?? []), ...aliases],
      ...(index === 0 && own.length > 0 && {addresses: own}),
      ...(index === 0 && macAddress !== undefined && {macAddress}),
    }),
  );
}

const OF_NETWORKS = ['network-alias', 'ip', 'ip6', 'mac-address'] as const;
const OF_MEMBERS = ['publish', 'publish-all', ...OF_NETWORKS] as const;

function requireNone(values: NetworkValues, flags: readonly (typeof OF_MEMBERS)[number][]): void {
  const flag = flags.find((name) => values[name] !== undefined);
  if (flag === undefined) return;
  const given = values.network?.[0];
  throw flagsConflict(
    `--${flag} does not go with ${given === undefined ? "the machine's own network" : `--network ${given}`}`,
    given === undefined ? 'add --network bridge' : 'leave it out, or choose --network bridge',
  );
}

// Addresses may be IPv6, so only the first separator counts.
function parseExtraHost(entry: string): {readonly name: string; readonly address: string} {
  const [, name, address] = /^([^:=]+)[:=]\[?([^\]]+)\]?$/.exec(entry) ?? [];
  if (name !== undefined && address !== undefined) return {name, address};
  throw flagInvalid('--add-host', `${quote(entry)} is not NAME:ADDRESS`, '--add-host db:10.0.0.7');
}
