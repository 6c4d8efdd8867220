import {WinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import {type LabelFilter, matchesLabels} from '../../images/prune-filter.ts';
import {DEFAULT_NETWORK, type NetworkDefinition} from '../../network/definition.ts';
import type {ContainerContext} from '../context.ts';
import {nameOf} from '../kept/find-container.ts';
import {listRecords} from '../kept/record.ts';
import {recordNetworkEvent} from '../record-events.ts';
import {listConnections} from './connection-note.ts';
import {findNetwork, listNetworks, removeNetworkFile, unknownNetwork} from './definitions.ts';
import {inspectNetwork} from './list-networks.ts';
import {lockNetworks} from './places.ts';

const MOST_NAMED = 3;

/**
 * Removes a network that no container has, not even one that does not run.
 *
 * @param text Its name, its id, or the first digits of its id.
 * @returns its name.
 * @throws {WinchError} `NETWORK_UNKNOWN` | `NETWORK_IN_USE` | `NETWORK_PERMANENT`
 */
export async function removeNetwork(
  context: ContainerContext,
  text: string,
  {signal}: CallOptions = {},
): Promise<string> {
  const {name} = await inspectNetwork(context, text);
  if (name === DEFAULT_NETWORK) throw permanent();
  using _lock = await lockNetworks(context, signal);
  const network = findNetwork(context, name);
  if (!network) throw unknownNetwork(text);
  const users = listUsers(context, network);
  if (users.length > 0) throw inUse(network, users);
  removeNetworkFile(context, network);
  recordNetworkEvent(context, 'destroy', network);
  return name;
}

export interface PruneNetworksOptions extends CallOptions {
  /** Milliseconds since 1970: only networks that were made before. */
  readonly createdBefore?: number | undefined;
  /** All must hold. */
  readonly labels?: readonly LabelFilter[] | undefined;
}

/** Removes the networks that no container has. @returns their names */
export async function pruneNetworks(
  context: ContainerContext,
  {createdBefore, labels = [], signal}: PruneNetworksOptions = {},
): Promise<readonly string[]> {
  using _lock = await lockNetworks(context, signal);
  const isMeant = ({created, labels: own}: NetworkDefinition) =>
    (createdBefore === undefined || Date.parse(created) < createdBefore) && matchesLabels(own, labels);
  const unused = listNetworks(context).filter(
    (network) => isMeant(network) && listUsers(context, network).length === 0,
  );
  for (const network of unused) {
    removeNetworkFile(context, network);
    recordNetworkEvent(context, 'destroy', network);
  }
  return unused.map(({name}) => name);
}

/** What the containers are called that have a network, whether they run or not. */
function listUsers(context: ContainerContext, {name}: NetworkDefinition): readonly string[] {
  const connected = listConnections(context).filter(({memberships}) =>
    memberships.some(({network}) => network.name === name),
  );
  const kept = listRecords(context).filter(({container: {network}}) => {
    const joins = typeof network === 'object' && 'networks' in network ? network.networks : [];
    return joins.some((join) => join.name === name);
  });
  return [...new Set([...connected, ...kept].map(nameOf))];
}

function inUse({name}: NetworkDefinition, users: readonly string[]): WinchError {
  const more = users.length > MOST_NAMED ? ` and ${users.length - MOST_NAMED} more` : '';
  const who = `${users.slice(0, MOST_NAMED).join(', ')}${more}`;
  return new WinchError('NETWORK_IN_USE', `network ${name} is used by ${who}`, {
    kind: 'invalid',
    hint: 'remove those containers first',
  });
}

const permanent = (): WinchError =>
  new WinchError('NETWORK_PERMANENT', `the network ${DEFAULT_NETWORK} goes by itself when nobody uses it`, {
    kind: 'invalid',
  });
