import {isIP} from 'node:net';
import {setTimeout as sleep} from 'node:timers/promises';
import type {ContainerOptions} from '../../bundle/container-options.ts';
import {isWinchError, WinchError} from '../../errors.ts';
import {monotonicMs} from '../../host/monotonic-ms.ts';
import {createNetworkNamespace, type NetworkNamespace} from '../../host/network-namespace.ts';
import {loadSyscalls} from '../../host/syscalls.ts';
import {isMachinesRoot} from '../../host/user-namespace.ts';
import {readForwardedPorts, requireFirewallPrograms} from '../../network/apply-firewall.ts';
import {planBridgeNetwork} from '../../network/bridge.ts';
import {DEFAULT_NETWORK, familiesOf, isBridged} from '../../network/definition.ts';
import {replaceHostGateway} from '../../network/host-gateway.ts';
import {replaceNetworkNames} from '../../network/hosts-names.ts';
import type {NetworkJoin, PublishRequest} from '../../network/network-mode.ts';
import type {ContainerContext} from '../context.ts';
import type {MappedContainer} from '../userns/mapped-container.ts';
import {type ConnectionNote, listConnections, type Membership, writeConnection} from './connection-note.ts';
import {requireNetwork} from './definitions.ts';
import {attachMembership, planMembership} from './membership.ts';
import {type OpenNetwork, readReachableHostFiles, writeNetworkFiles} from './network-files.ts';
import {firewallTag, lockNetworks} from './places.ts';
import {namesFor, settleNetworks} from './settle.ts';

export interface ConnectRequest {
  readonly id: string;
  readonly name: string | null;
  readonly hostname: string;
  /** The container's directory in memory, where what there is to undo is noted. */
  readonly directory: string;
  readonly joins: readonly NetworkJoin[];
  readonly publish: readonly PublishRequest[];
  readonly container: Pick<ContainerOptions, 'extraHosts' | 'dns'>;
  /** As of `NetworkRequest`. */
  readonly mapped: MappedContainer | null;
}

/** How long a container that has ended may take to be cleared by somebody else. */
const PATIENCE_MS = 10_000;
const POLL_MS = 20;

/**
 * Makes a network namespace and connects it to networks, publishes ports, and tells the other members its names.
 *
 * What it does is undone by `disconnectContainer`, also when it fails half-way or is killed.
 *
 * @throws {WinchError} `NETWORK_UNSUPPORTED` | `NETWORK_UNKNOWN` | `NETWORK_PLUGIN_NOT_FOUND` | `NETWORK_FAILED` |
 * `FIREWALL_NOT_FOUND` | `FIREWALL_FAILED` | `PORT_TAKEN` | `PORT_ADDRESS_MISSING` | `PORT_UNREACHABLE` |
 * `NETWORK_INVALID`
 */
export async function connectContainer(
  context: ContainerContext,
  request: ConnectRequest,
  {signal}: {readonly signal?: AbortSignal | undefined} = {},
): Promise<OpenNetwork> {
  requireNetworkRights();
  const deadline = monotonicMs() + PATIENCE_MS;
  for (;;) {
    try {
      return await connect(context, request, signal);
    } catch (error) {
      const holder = isWinchError(error, 'PORT_TAKEN') ? error.details.holder : undefined;
      if (holder === undefined || monotonicMs() > deadline || (await isRunning(context, holder))) throw error;
    }
    signal?.throwIfAborted();
    await sleep(POLL_MS);
  }
}

/** What a container has that has ended is free as soon as that is cleared, which looking for it does. */
async function isRunning(context: ContainerContext, holder: unknown): Promise<boolean> {
  const {listContainers} = await import('../kept/list-containers.ts');
  return (await listContainers(context)).some(({id, state}) => id === holder && state === 'running');
}

async function connect(
  context: ContainerContext,
  request: ConnectRequest,
  signal: AbortSignal | undefined,
): Promise<OpenNetwork> {
  using _lock = await lockNetworks(context, signal);
  const {id, name, hostname, directory, joins, publish, mapped} = request;
  const own: ConnectionNote = {id, name, hostname, memberships: [], ports: []};
  // Whoever is killed while the default network is made has something to leave as well.
  writeConnection(directory, own);
  const planned = {...own, memberships: await planMemberships(context, joins)};
  const bridged = planned.memberships.map(({network}) => network).filter(isBridged);
  requireFirewallPrograms({families: familiesOf(bridged)});
  writeConnection(directory, planned);
  requireReachable(publish, planned.memberships);
  const ports = await choosePorts(context, publish, familiesOf(bridged));
  const namespace = (await mapped?.makeNetwork()) ?? createNetworkNamespace(loadSyscalls());
  try {
    const memberships = await attach(planned, namespace, signal);
    const note = {...planned, memberships, ports};
    writeConnection(directory, note);
    const connections = listConnections(context);
    const files = writeFiles(request, note, connections);
    await settleNetworks(
      context,
      connections,
      memberships.map(({network}) => network),
    );
    return {namespace: 'new', path: namespace.path, hostname, files, close: () => namespace.close()};
  } catch (error) {
    namespace.close();
    throw error;
  }
}

/** @throws {WinchError} `NETWORK_UNSUPPORTED` */
export function requireNetworkRights(): void {
  if (isMachinesRoot()) return;
  throw new WinchError('NETWORK_UNSUPPORTED', 'only root can connect containers to networks', {
    kind: 'unsupported',
    hint: 'run as root; users connect each container by itself, with pasta or slirp4netns',
  });
}

/** Those that somebody has made come first: the default one is made when it is asked for. */
async function planMemberships(
  context: ContainerContext,
  joins: readonly NetworkJoin[],
): Promise<readonly Membership[]> {
  for (const {name} of joins) if (name !== DEFAULT_NETWORK) await requireNetwork(context, name);
  const memberships: Membership[] = [];
  for (const join of joins) memberships.push(await planMembership(context, join, memberships));
  return memberships;
}

/** A port is forwarded within a family, and IPv6 has no way from the machine's loopback address to a container. */
function requireReachable(publish: readonly PublishRequest[], [first]: readonly Membership[]): void {
  if (first && !isBridged(first.network) && publish.length > 0) throw ownAddress(first);
  const families = first?.network.subnets.map(({gateway}) => isIP(gateway)) ?? [];
  const lost = publish.find(
    ({hostAddress}) => hostAddress !== null && (hostAddress === '::1' || !families.includes(isIP(hostAddress))),
  );
  if (lost === undefined) return;
  throw new WinchError('PORT_UNREACHABLE', `a port of ${lost.hostAddress} cannot lead into ${first?.network.name}`, {
    kind: 'unsupported',
    hint: 'choose an address of the machine that is of a family of the network, and not ::1',
  });
}

const ownAddress = ({network}: Membership): WinchError =>
  new WinchError('PORT_UNREACHABLE', `nothing is published of ${network.name}, whose containers have own addresses`, {
    kind: 'unsupported',
    hint: 'reach the container at its address in that network, or connect it to a bridge first',
  });

async function choosePorts(
  context: ContainerContext,
  publish: readonly PublishRequest[],
  families: readonly (4 | 6)[],
) {
  if (publish.length === 0) return [];
  const {assignPorts} = await import('../../network/assign-ports.ts');
  const taken = listConnections(context).flatMap(({id, ports}) => ports.map((port) => ({...port, holder: id})));
  const forwarded = await readForwardedPorts(firewallTag(context), {families});
  return assignPorts(publish, taken, forwarded);
}

async function attach(
  {id, memberships}: ConnectionNote,
  {path}: NetworkNamespace,
  signal: AbortSignal | undefined,
): Promise<readonly Membership[]> {
  const attached: Membership[] = [];
  for (const membership of memberships) {
    attached.push(await attachMembership(membership, {containerId: id, namespace: path}, {signal}));
  }
  return attached;
}

/** Under the lock, so that whoever comes next finds a file to write its names into. */
function writeFiles(
  {directory, hostname, container}: ConnectRequest,
  note: ConnectionNote,
  connections: readonly ConnectionNote[],
) {
  const bridged = note.memberships.map(({network}) => network).find(isBridged);
  const extraHosts = replaceHostGateway(container.extraHosts, bridged?.subnets[0]?.gateway);
  const {files} = planBridgeNetwork({hostname, extraHosts, dns: container.dns, ...readReachableHostFiles()});
  return writeNetworkFiles(directory, {
    ...files,
    hosts: replaceNetworkNames(files.hosts, namesFor(note, connections)),
  });
}
