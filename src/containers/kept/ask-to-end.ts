import {closeSync, constants, openSync} from 'node:fs';
import {join} from 'node:path';
import {hasErrno} from '../../errors.ts';
import type {ContainerContext} from '../context.ts';
import {lockContainer, placesOf} from './places.ts';
import {readStartNote, STOP_MARK, type StartNote} from './read-state.ts';
import type {KeptRecord} from './record.ts';

export const stopMark = (context: ContainerContext, id: string, {start}: StartNote): string =>
  join(placesOf(context, id).starts, start, STOP_MARK);

/**
 * Notes that a container is to end, before it is asked to. Under its lock: whoever is about to start it again has done so
 * by then, or sees the mark.
 */
export async function noteStop(
  context: ContainerContext,
  {id, restart}: KeptRecord,
  {signal, holdsLock = false}: {readonly signal?: AbortSignal | undefined; readonly holdsLock?: boolean},
): Promise<void> {
  if (!restart) return;
  using _lock = holdsLock ? null : await lockContainer(context, id, signal);
  const note = readStartNote(placesOf(context, id));
  if (note === null) return;
  try {
    closeSync(openSync(stopMark(context, id, note), constants.O_CREAT | constants.O_WRONLY, 0o600));
  } catch (error) {
    // It was removed.
    if (!hasErrno(error, 'ENOENT')) throw error;
  }
}
