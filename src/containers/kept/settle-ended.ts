import {existsSync} from 'node:fs';
import {setTimeout as sleep} from 'node:timers/promises';
import type {ContainerContext} from '../context.ts';
import {stopMark} from './ask-to-end.ts';
import {lockContainer, placesOf} from './places.ts';
import {pauseAfterEnd, readStartNote, readState, type StartNote} from './read-state.ts';
import {findRecord, type KeptRecord} from './record.ts';
import {removeEnded} from './remove-container.ts';
import {type StartSettings, startLocked} from './start-container.ts';

/**
 * What is to be done when a container has ended: removes or clears it, and starts one again whose policy says so, unless
 * somebody has asked it to end. What was started or removed meanwhile is left.
 */
export async function settleEnded(context: ContainerContext, id: string, settings: StartSettings): Promise<void> {
  const record = findRecord(context, id);
  const note = record && readStartNote(placesOf(context, id));
  await removeEnded(context, id);
  if (!record?.restart || !note) return;
  const pauseMs = await planRestart(context, record, note);
  if (pauseMs === null) return;
  await sleep(pauseMs);
  using _lock = await lockContainer(context, id);
  const current = findRecord(context, id);
  if (!current || (await planRestart(context, current, note)) === null) return;
  await startLocked(context, current, {...settings, restart: {restarts: (note.restarts ?? 0) + 1, pauseMs}});
}

/** @returns milliseconds to wait; null: it is not to be started again. */
async function planRestart(context: ContainerContext, record: KeptRecord, note: StartNote): Promise<number | null> {
  const isSame = readStartNote(placesOf(context, record.id))?.start === note.start;
  if (!record.restart || !isSame || existsSync(stopMark(context, record.id, note))) return null;
  const {state, exitCode, finishedAt, outOfMemory} = await readState(context, record);
  if (state !== 'exited') return null;
  return pauseAfterEnd(record.restart, note, {exitCode: exitCode ?? 0, finishedAt, outOfMemory});
}
