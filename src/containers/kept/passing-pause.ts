import {existsSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {isWinchError} from '../../errors.ts';
import {identifyProcess, isLiving, type ProcessIdentity} from '../../host/process-identity.ts';
import {unlessGone} from '../../store/unless-gone.ts';
import type {ContainerContext} from '../context.ts';
import {type LiveContainer, requireLive} from './find-live.ts';
import {pauseContainer, unpauseContainer} from './pause-container.ts';

/** In the directory in memory of a container that is paused for something: the process that does it. */
const PAUSE_NOTE = 'pause.json';

/**
 * Does something while a running container is paused. When this process is killed meanwhile, the next look at the
 * container lets it go on.
 *
 * @throws {WinchError} as `pauseContainer`
 */
export async function whileItPauses<T>(context: ContainerContext, id: string, work: () => Promise<T>): Promise<T> {
  const {directory} = await requireLive(context, id);
  writeFileSync(join(directory, PAUSE_NOTE), JSON.stringify(identifyProcess(process.pid)), {mode: 0o600});
  try {
    await pauseContainer(context, id);
    return await work();
  } finally {
    await letGoOn(context, {id, directory});
  }
}

/** Lets a container go on whose pause was for something that nobody does any more. */
export async function endDeadPause(context: ContainerContext, container: Place): Promise<void> {
  const path = join(container.directory, PAUSE_NOTE);
  if (!existsSync(path)) return;
  const holder = parse(unlessGone(() => readFileSync(path, 'utf8'), ''));
  if (holder === null || !isLiving(holder)) await letGoOn(context, container);
}

type Place = Pick<LiveContainer, 'id' | 'directory'>;

/** It may have ended meanwhile, or have been told to go on by somebody else. */
async function letGoOn(context: ContainerContext, {id, directory}: Place): Promise<void> {
  try {
    await unpauseContainer(context, id);
  } catch (error) {
    const isOver = ['CONTAINER_UNKNOWN', 'CONTAINER_STOPPED', 'CONTAINER_NOT_PAUSED'].some((code) =>
      isWinchError(error, code),
    );
    if (!isOver) throw error;
  }
  rmSync(join(directory, PAUSE_NOTE), {force: true});
}

/** Null: whoever wrote it was killed at that, before anything was paused. */
function parse(text: string): ProcessIdentity | null {
  try {
    return JSON.parse(text) as ProcessIdentity;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
