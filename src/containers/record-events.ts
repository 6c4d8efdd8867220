import {type Happening, recordEvents} from '../store/event-log.ts';
import type {ContainerContext} from './context.ts';
import type {ContainerMembership} from './networks/read-networks.ts';

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

interface NetworkChange {
  readonly action: 'connect' | 'disconnect';
  readonly atMs?: number | undefined;
}

/** That a container has joined networks or left them. */
export const networkEvents = (
  {id}: Pick<EventSubject, 'id'>,
  networks: readonly Pick<ContainerMembership, 'id' | 'name'>[],
  {action, atMs}: NetworkChange,
): readonly Happening[] =>
  networks.map((network) => ({
    type: 'network',
    action,
    id: network.id,
    attributes: {container: id, name: network.name, type: 'bridge'},
    atMs,
  }));

export const recordNetworkEvent = (
  {store, now}: ContainerContext,
  action: 'create' | 'destroy',
  {id, name}: Pick<ContainerMembership, 'id' | 'name'>,
): void => recordEvents(store.paths, [{type: 'network', action, id, attributes: {name, type: 'bridge'}}], now());

export const recordVolumeEvent = ({store, now}: ContainerContext, action: 'create' | 'destroy', name: string): void =>
  recordEvents(store.paths, [{type: 'volume', action, id: name, attributes: {driver: 'local'}}], now());
