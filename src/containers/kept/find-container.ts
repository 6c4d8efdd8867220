import {WinchError} from '../../errors.ts';
import type {ContainerContext} from '../context.ts';
import {findRecord, type KeptRecord, listRecords} from './record.ts';

const SHORT_ID = 12;
const WHOLE_ID = /^[0-9a-f]{64}$/;

/**
 * The kept container that a name, an id or the first digits of an id mean.
 *
 * @throws {WinchError} `CONTAINER_UNKNOWN` | `CONTAINER_AMBIGUOUS`
 */
export function requireContainer(context: ContainerContext, text: string): KeptRecord {
  const found = findContainer(context, text);
  if (found) return found;
  throw unknownContainer(text);
}

/** As `requireContainer`; null: none. By its whole id, which comes first, no other one is read. */
export const findContainer = (context: ContainerContext, text: string): KeptRecord | null =>
  (WHOLE_ID.test(text) ? findRecord(context, text) : null) ?? findByText(listRecords(context), text);

/** Among containers of any kind: by its whole id, its name, the beginning of its id, in this order. */
export function findByText<T extends {readonly id: string; readonly name: string | null}>(
  containers: readonly T[],
  text: string,
): T | null {
  const exact = containers.find(({id}) => id === text) ?? containers.find(({name}) => name === text);
  if (exact || !/^[0-9a-f]+$/.test(text)) return exact ?? null;
  const [first, ...more] = containers.filter(({id}) => id.startsWith(text));
  if (more.length === 0) return first ?? null;
  throw new WinchError('CONTAINER_AMBIGUOUS', `${more.length + 1} containers have an id that starts with ${text}`, {
    kind: 'invalid',
    hint: 'give more digits of the id',
  });
}

/** How messages call a container. */
export const nameOf = ({id, name}: {readonly id: string; readonly name: string | null}): string =>
  name ?? id.slice(0, SHORT_ID);

export const unknownContainer = (text: string): WinchError =>
  new WinchError('CONTAINER_UNKNOWN', `there is no container ${text}`, {
    kind: 'not-found',
    hint: 'list the containers that there are',
    details: {container: text},
  });

export const notRunning = (
  container: {readonly id: string; readonly name: string | null},
  lostBecause: string | null = null,
): WinchError =>
  new WinchError('CONTAINER_STOPPED', `container ${nameOf(container)} is not running${reasonOf(lostBecause)}`, {
    kind: 'invalid',
    hint: 'start it first',
  });

const reasonOf = (lostBecause: string | null): string => (lostBecause === null ? '' : `: ${lostBecause}`);
