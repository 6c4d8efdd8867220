import {isWinchError, type WinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import {DEFAULT_NETWORK} from '../../network/definition.ts';
import type {NetworkJoin} from '../../network/network-mode.ts';
import type {ContainerContext} from '../context.ts';
import {findByText, unknownContainer} from '../kept/find-container.ts';
import {lockContainer} from '../kept/places.ts';
import {readState} from '../kept/read-state.ts';
import {findRecord, type KeptRecord, listRecords, saveRecord} from '../kept/record.ts';
import {isConnected, isUnconnected, joinRunning, leaveRunning, withoutNetworks} from './change-membership.ts';
import {findNetwork, unknownNetwork} from './definitions.ts';

/**
 * Connects a container to one more network: at once where it runs, and at all its starts to come. A run in the foreground
 * has to go on.
 *
 * @throws {WinchError} `CONTAINER_UNKNOWN` | `CONTAINER_AMBIGUOUS` | `CONTAINER_STOPPED` | `NETWORK_UNKNOWN` |
 * `NETWORK_CONNECTED` | `NETWORK_UNSUPPORTED` | `NETWORK_PLUGIN_NOT_FOUND` | `NETWORK_FAILED` | `FIREWALL_FAILED` …
 */
export async function joinNetwork(
  context: ContainerContext,
  container: string,
  join: NetworkJoin,
  options: CallOptions = {},
): Promise<void> {
  const change: NetworkChange = {
    container,
    after: (joins) => {
      if (joins.some(({name}) => name === join.name)) return null;
      if (join.name !== DEFAULT_NETWORK && !findNetwork(context, join.name)) throw unknownNetwork(join.name);
      return [...joins, join];
    },
    refuse: (record) => isConnected(record, join.name),
    code: 'NETWORK_CONNECTED',
    ofRunning: (id) => joinRunning(context, id, join, options),
  };
  await changeNetworks(context, change, options);
}

/**
 * Takes a container out of one of its networks: at once where it runs, and for all its starts to come.
 *
 * @throws {WinchError} `CONTAINER_UNKNOWN` | `CONTAINER_AMBIGUOUS` | `CONTAINER_STOPPED` | `NETWORK_UNCONNECTED` |
 * `NETWORK_UNSUPPORTED` | `NETWORK_PLUGIN_NOT_FOUND` | `NETWORK_FAILED` | `FIREWALL_FAILED` …
 */
export async function leaveNetwork(
  context: ContainerContext,
  container: string,
  name: string,
  options: CallOptions = {},
): Promise<void> {
  const change: NetworkChange = {
    container,
    after: (joins) => {
      const rest = joins.filter((join) => join.name !== name);
      return rest.length < joins.length ? rest : null;
    },
    refuse: (record) => isUnconnected(record, name),
    code: 'NETWORK_UNCONNECTED',
    ofRunning: (id) => leaveRunning(context, id, name, options),
  };
  await changeNetworks(context, change, options);
}

interface NetworkChange {
  readonly container: string;
  /** The networks that are then noted; null: it is noted already. */
  after(joins: readonly NetworkJoin[]): readonly NetworkJoin[] | null;
  /** Why there is nothing at all to be done. */
  refuse(record: KeptRecord): WinchError;
  /** Of that error. */
  readonly code: string;
  /** Does it to a container that runs. */
  ofRunning(id: string): Promise<void>;
}

/** At once where it runs, and at all its starts to come. */
async function changeNetworks(context: ContainerContext, change: NetworkChange, options: CallOptions): Promise<void> {
  const kept = findByText(listRecords(context), change.container);
  if (!kept) return await change.ofRunning(change.container);
  using held = await openKept(context, kept.id, options);
  const {record, joins, isRunning} = held;
  const changed = change.after(joins);
  if (changed === null && !isRunning) throw change.refuse(record);
  // Whoever was killed here before has come half the way.
  if (isRunning) await unlessDone(change.code, changed === null, change.ofRunning(record.id));
  if (changed !== null) await saveJoins(context, record, changed);
}

interface HeldContainer extends Disposable {
  readonly record: KeptRecord;
  readonly joins: readonly NetworkJoin[];
  readonly isRunning: boolean;
}

/** A kept container under its lock. */
async function openKept(context: ContainerContext, id: string, {signal}: CallOptions): Promise<HeldContainer> {
  using held = new DisposableStack();
  held.use(await lockContainer(context, id, signal));
  const record = findRecord(context, id);
  if (!record) throw unknownContainer(id);
  const {network} = record.container;
  if (typeof network !== 'object' || !('networks' in network)) throw withoutNetworks(record);
  const isRunning = (await readState(context, record)).state === 'running';
  const kept = held.move();
  return {record, joins: network.networks, isRunning, [Symbol.dispose]: () => kept.dispose()};
}

/** @param isFinal Whether this code tells that there is nothing at all to be done. */
async function unlessDone(code: string, isFinal: boolean, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (isFinal || !isWinchError(error, code)) throw error;
  }
}

const saveJoins = (context: ContainerContext, record: KeptRecord, networks: readonly NetworkJoin[]): Promise<void> =>
  saveRecord(context, {...record, container: {...record.container, network: {networks}}});
