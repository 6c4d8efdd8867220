import type {NetworkDefinition, NetworkDriver} from '../network/definition.ts';
import {type Happening, recordEvents} from '../store/event-log.ts';
import type {ContainerContext} from './context.ts';
import {readConnection} from './networks/connection-note.ts';

/** What of a container its events tell. */
export interface EventSubject {
  readonly id: string;
  readonly name: string | null;
  /** As it was asked for; null: it runs a bundle. */
  readonly image: string | null;
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

export interface ContainerEvent {
  /** As docker names it: `create`, `start`, `die` … */
  readonly action: string;
  readonly attributes?: Readonly<Record<string, string>>;
  /** When, in milliseconds since 1970; absent: now. */
  readonly atMs?: number | undefined;
}

/** Tells those who follow events what has become of a container. */
export function recordContainerEvents(
  {store, now}: ContainerContext,
  subject: EventSubject,
  events: readonly ContainerEvent[],
): void {
  recordEvents(
    store.paths,
    events.map((event) => containerEvent(subject, event)),
    now(),
  );
}

/** What it is known by wins over labels of the same names. */
export function containerEvent(
  {id, name, image, labels}: EventSubject,
  {action, attributes, atMs}: ContainerEvent,
): Happening {
  const own = {...attributes, ...(image !== null && {image}), ...(name !== null && {name})};
  return {type: 'container', action, id, attributes: {...own, ...labels, ...own}, atMs};
}

export type NetworkNamed = Pick<NetworkDefinition, 'id' | 'name' | 'parent'>;

const driverOf = ({parent}: NetworkNamed): NetworkDriver => parent?.driver ?? 'bridge';

/** Those in which a container is now. @param directory The container's directory in memory. */
export const networksAt = (directory: string): readonly NetworkNamed[] =>
  readConnection(directory)?.memberships.map(({network}) => network) ?? [];

interface NetworkChange {
  readonly action: 'connect' | 'disconnect';
  readonly atMs?: number | undefined;
}

/** That a container has joined networks or left them. */
export const networkEvents = (
  {id}: Pick<EventSubject, 'id'>,
  networks: readonly NetworkNamed[],
  {action, atMs}: NetworkChange,
): readonly Happening[] =>
  networks.map((network) => ({
    type: 'network',
    action,
    id: network.id,
    attributes: {container: id, name: network.name, type: driverOf(network)},
    atMs,
  }));

export function recordNetworkEvent(
  {store, now}: ContainerContext,
  action: 'create' | 'destroy',
  network: NetworkNamed,
): void {
  const {id, name} = network;
  recordEvents(store.paths, [{type: 'network', action, id, attributes: {name, type: driverOf(network)}}], now());
}

export const recordVolumeEvent = ({store, now}: ContainerContext, action: 'create' | 'destroy', name: string): void =>
  recordEvents(store.paths, [{type: 'volume', action, id: name, attributes: {driver: 'local'}}], now());
