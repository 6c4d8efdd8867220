import {WinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import {openNetworkNamespace} from '../../host/network-namespace.ts';
import {removeAttachment} from '../../network/cni/run-plugin.ts';
import type {NetworkJoin} from '../../network/network-mode.ts';
import {recordEvents} from '../../store/event-log.ts';
import type {ContainerContext} from '../context.ts';
import {nameOf} from '../kept/find-container.ts';
import {requireLive} from '../kept/find-live.ts';
import {networkEvents} from '../record-events.ts';
import {
  listConnections,
  type Membership,
  type NotedConnection,
  readConnection,
  writeConnection,
} from './connection-note.ts';
import {attachMembership, planMembership} from './membership.ts';
import {lockNetworks} from './places.ts';
import {settleNetworks} from './settle.ts';

/**
 * Connects a running container to one more network, until it ends.
 *
 * @throws {WinchError} `CONTAINER_UNKNOWN` | `CONTAINER_AMBIGUOUS` | `CONTAINER_STOPPED` | `NETWORK_UNKNOWN` |
 * `NETWORK_CONNECTED` | `NETWORK_UNSUPPORTED` | `NETWORK_PLUGIN_NOT_FOUND` | `NETWORK_FAILED` | `FIREWALL_FAILED` …
 */
export async function joinRunning(
  context: ContainerContext,
  container: string,
  join: NetworkJoin,
  {signal}: CallOptions = {},
): Promise<void> {
  using live = await openConnection(context, container, signal);
  const {namespace} = live;
  const connection = await dropHalfMade(context, live, join.name);
  const {id, directory, memberships} = connection;
  const planned = await planMembership(context, join, memberships);
  const wider = {...connection, memberships: [...memberships, planned]};
  writeConnection(directory, wider);
  try {
    const attached = await attachMembership(planned, {containerId: id, namespace}, {signal});
    writeConnection(directory, {...connection, memberships: [...memberships, attached]});
    await settleNetworks(context, listConnections(context), [attached.network]);
    recordEvents(context.store.paths, networkEvents({id}, [attached.network], {action: 'connect'}), context.now());
  } catch (error) {
    await detach(context, {connection: wider, namespace}, planned);
    throw error;
  }
}

/** Whoever was killed has left one without addresses. @throws {WinchError} `NETWORK_CONNECTED` */
async function dropHalfMade(context: ContainerContext, live: LiveConnection, name: string): Promise<NotedConnection> {
  const present = live.connection.memberships.find(({network}) => network.name === name);
  if (!present) return live.connection;
  if (present.addresses.length > 0) throw isConnected(live.connection, name);
  return await detach(context, live, present);
}

/**
 * Takes a running container out of one of its networks, until it ends.
 *
 * @throws {WinchError} `CONTAINER_UNKNOWN` | `CONTAINER_AMBIGUOUS` | `CONTAINER_STOPPED` | `NETWORK_UNCONNECTED` |
 * `NETWORK_UNSUPPORTED` | `NETWORK_PLUGIN_NOT_FOUND` | `NETWORK_FAILED` | `FIREWALL_FAILED` …
 */
export async function leaveRunning(
  context: ContainerContext,
  container: string,
  name: string,
  {signal}: CallOptions = {},
): Promise<void> {
  using live = await openConnection(context, container, signal);
  const membership = live.connection.memberships.find(({network}) => network.name === name);
  if (!membership) throw isUnconnected(live.connection, name);
  await detach(context, live, membership);
  const {connection} = live;
  const left = networkEvents(connection, [membership.network], {action: 'disconnect'});
  recordEvents(context.store.paths, left, context.now());
}

interface LiveConnection {
  readonly connection: NotedConnection;
  /** Path of the container's network namespace. */
  readonly namespace: string;
}

/** The connection of a running container, under the lock of the networks until it is disposed of. */
async function openConnection(
  context: ContainerContext,
  text: string,
  signal: AbortSignal | undefined,
): Promise<LiveConnection & Disposable> {
  const container = await requireLive(context, text);
  using held = new DisposableStack();
  const namespace = openNetworkNamespace(`/proc/${container.pid}/ns/net`);
  held.defer(namespace.close);
  held.use(await lockNetworks(context, signal));
  const connection = readConnection(container.directory);
  if (connection === null) throw withoutNetworks(container);
  const kept = held.move();
  return {connection, namespace: namespace.path, [Symbol.dispose]: () => kept.dispose()};
}

/** The note comes last, as with all that is undone. @returns what is left */
async function detach(
  context: ContainerContext,
  {connection, namespace}: LiveConnection,
  membership: Membership,
): Promise<NotedConnection> {
  const {id, directory, memberships} = connection;
  await removeAttachment(membership.config, {containerId: id, namespace, device: membership.device});
  const rest = {...connection, memberships: memberships.filter(({device}) => device !== membership.device)};
  const others = listConnections(context).filter((other) => other.id !== id);
  await settleNetworks(context, [...others, rest], [membership.network]);
  writeConnection(directory, rest);
  return rest;
}

interface Named {
  readonly id: string;
  readonly name: string | null;
}

export const isConnected = (container: Named, network: string): WinchError =>
  new WinchError('NETWORK_CONNECTED', `container ${nameOf(container)} is in network ${network} already`, {
    kind: 'invalid',
  });

export const isUnconnected = (container: Named, network: string): WinchError =>
  new WinchError('NETWORK_UNCONNECTED', `container ${nameOf(container)} is not in network ${network}`, {
    kind: 'not-found',
  });

export const withoutNetworks = (container: Named): WinchError =>
  new WinchError('NETWORK_UNSUPPORTED', `container ${nameOf(container)} was not made for networks`, {
    kind: 'unsupported',
    hint: "make it anew with a network, instead of none or the machine's or another container's",
  });
