import type {StoreEvent} from '../../store/store-event.ts';
import {safeJson, safeText} from './safe-text.ts';
import {compileTemplate} from './template.ts';

const MILLION = 1e6;

/** How one event is printed, as docker does: a line of text, `json`, or by template. */
export function createEventRenderer(format: string | undefined): (event: StoreEvent) => string {
  if (format === undefined) return renderLine;
  if (format === 'json') return (event) => safeJson(event);
  const render = compileTemplate(format);
  return (event) => render(toFields(event));
}

function renderLine({Type, Action, Actor: {ID, Attributes}, timeNano}: StoreEvent): string {
  const pairs = Object.entries(Attributes).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const details = pairs.length === 0 ? '' : ` (${pairs.map(([name, value]) => `${name}=${value}`).join(', ')})`;
  return safeText(`${formatNanoseconds(timeNano)} ${Type} ${Action} ${ID}${details}`);
}

/** With the names of Go's fields as well. */
const toFields = (event: StoreEvent) => ({
  ...event,
  Actor: {...event.Actor, Attributes: emptyWhereAbsent(event.Actor.Attributes)},
  Scope: event.scope,
  Time: event.time,
  TimeNano: event.timeNano,
  ID: event.Actor.ID,
  Status: event.Action,
  From: event.Actor.Attributes.image ?? '',
});

/** As with a map of Go: events of all kinds go through one template. */
const emptyWhereAbsent = (attributes: Readonly<Record<string, string>>) =>
  new Proxy(attributes, {
    get: (target, name) => Reflect.get(target, name) ?? '',
    getOwnPropertyDescriptor: (target, name) =>
      Reflect.getOwnPropertyDescriptor(target, name) ?? {value: '', configurable: true, enumerable: false},
  });

/** `2026-01-31T12:00:00.123456000Z` */
function formatNanoseconds(timeNano: number): string {
  const nanoseconds = String(timeNano).slice(-9);
  return `${new Date(Math.floor(timeNano / MILLION)).toISOString().slice(0, -4)}${nanoseconds}Z`;
}
