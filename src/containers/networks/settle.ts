import {closeSync, constants, fstatSync, ftruncateSync, openSync, readFileSync, writeSync} from 'node:fs';
import {join} from 'node:path';
import {hasErrno} from '../../errors.ts';
import {removeTreeSync} from '../../host/remove-tree.ts';
import {applyFirewall, routeLoopback} from '../../network/apply-firewall.ts';
import {DEFAULT_NETWORK, familiesOf, isBridged, type NetworkDefinition} from '../../network/definition.ts';
import {deleteBridge} from '../../network/delete-bridge.ts';
import type {Forwarding} from '../../network/firewall-rules.ts';
import type {HostsEntry} from '../../network/hosts-file.ts';
import {replaceNetworkNames} from '../../network/hosts-names.ts';
import type {ContainerContext} from '../context.ts';
import type {ConnectionNote, Membership, NotedConnection} from './connection-note.ts';
import {findDefaultNetwork, removeNetworkFile} from './definitions.ts';
import {addressDirectory, firewallTag} from './places.ts';

const SHORT_ID = 12;
const HOSTS_LIMIT_BYTES = 1024 * 1024;

/**
 * Makes the firewall, the bridges and the names that members know of one another what the connections say. Done again, it
 * changes nothing, so whoever was killed in the middle of it leaves nothing that the next one does not put right. What
 * fails keeps nothing else from being done.
 *
 * Whoever calls holds the lock of the networks.
 *
 * @param connections All that there are from now on.
 * @param touched The networks that somebody has just left, or is about to join.
 * @throws {WinchError} `FIREWALL_NOT_FOUND` | `FIREWALL_FAILED` | `NETWORK_FAILED`
 */
export async function settleNetworks(
  context: ContainerContext,
  connections: readonly NotedConnection[],
  touched: readonly NetworkDefinition[],
): Promise<void> {
  const networks = uniqueNetworks(connections.flatMap(({memberships}) => memberships.map(({network}) => network)));
  const forwardings = connections.flatMap(forwardingsOf);
  const bridged = networks.filter(isBridged);
  const families = familiesOf([...bridged, ...touched.filter(isBridged)]);
  const failures: unknown[] = [];
  const attempt = (step: Promise<void>) => step.catch((error: unknown) => void failures.push(error));
  const left = uniqueNetworks(touched).filter(({name}) => !networks.some((network) => network.name === name));
  // Side by side: the kernel takes 30 ms to let a bridge go, and as long to replace a table of rules.
  await Promise.all([
    attempt(applyFirewall({tag: firewallTag(context), networks: bridged, forwardings}, {families})),
    ...left.map((network) => attempt(dismantle(context, network))),
  ]);
  for (const bridge of new Set(forwardings.map((forwarding) => forwarding.bridge))) routeLoopback(bridge);
  for (const connection of connections) tellNames(connection, connections);
  if (failures.length > 0) throw failures[0];
}

/** The names by which a container finds the members of its networks, itself included. */
export function namesFor(own: ConnectionNote, connections: readonly ConnectionNote[]): readonly HostsEntry[] {
  const networks = own.memberships.map(({network}) => network.name);
  const others = connections.filter(({id}) => id !== own.id);
  return [own, ...others].flatMap((member) =>
    member.memberships
      .filter(({network}) => networks.includes(network.name))
      .flatMap((membership) => entriesOf(member, {...membership, more: linksTo(own, member, membership)})),
  );
}

/** What a container alone calls another member of a network. */
const linksTo = (own: ConnectionNote, {id, name}: ConnectionNote, {network}: Membership): readonly string[] =>
  own.memberships
    .filter((membership) => membership.network.name === network.name)
    .flatMap(({links = []}) => links)
    .flatMap(({container, alias}) => (container === name || container === id ? alias : []));

/** Removes the default network when nobody uses it. Whoever calls holds the lock of the networks. */
export async function dropDefaultNetwork(
  context: ContainerContext,
  connections: readonly NotedConnection[],
): Promise<void> {
  const network = findDefaultNetwork(context);
  const isUsed = connections.some(({memberships}) =>
    memberships.some((other) => other.network.name === DEFAULT_NETWORK),
  );
  if (network && !isUsed) await dismantle(context, network);
}

/** What a network without members leaves on the machine. */
async function dismantle(context: ContainerContext, network: NetworkDefinition): Promise<void> {
  if (isBridged(network)) await deleteBridge(network.bridge);
  removeTreeSync(join(addressDirectory(context), network.name));
  if (network.name === DEFAULT_NETWORK) removeNetworkFile(context, network);
}

function entriesOf(
  {id, name, hostname}: ConnectionNote,
  {addresses, aliases, more}: Membership & {readonly more: readonly string[]},
): readonly HostsEntry[] {
  const names = new Set([...(name === null ? [] : [name]), ...aliases, ...more, hostname, id.slice(0, SHORT_ID)]);
  return addresses.map((address) => ({address, name: [...names].filter((word) => !word.includes('#')).join(' ')}));
}

/** In the network that it joined first. */
function forwardingsOf({memberships, ports}: ConnectionNote): readonly Forwarding[] {
  const [first] = memberships;
  if (first === undefined) return [];
  const {bridge} = first.network;
  return ports.flatMap((port) => first.addresses.map((address) => ({...port, address, bridge})));
}

const uniqueNetworks = (networks: readonly NetworkDefinition[]): readonly NetworkDefinition[] => [
  ...new Map(networks.map((network) => [network.name, network])).values(),
];

/** The file that the container sees keeps its identity, so it is written in place; what reads it never finds it empty. */
function tellNames(connection: NotedConnection, connections: readonly ConnectionNote[]): void {
  const fd = openOrNull(join(connection.directory, 'hosts'));
  if (fd === null) return;
  try {
    if (fstatSync(fd).size > HOSTS_LIMIT_BYTES) return;
    const before = readFileSync(fd, 'utf8');
    const after = replaceNetworkNames(before, namesFor(connection, connections));
    if (after === before) return;
    const bytes = Buffer.from(after);
    writeSync(fd, bytes, 0, bytes.length, 0);
    ftruncateSync(fd, bytes.length);
  } finally {
    closeSync(fd);
  }
}

/** Null: it is not made yet, or its container is gone. */
function openOrNull(path: string): number | null {
  try {
    return openSync(path, constants.O_RDWR | constants.O_NOFOLLOW);
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return null;
    throw error;
  }
}
