import {join} from 'node:path';
import {isWinchError, WinchError} from '../../errors.ts';
import {openRunc} from '../../runtime/runc.ts';
import type {Runtime} from '../../runtime/runtime.ts';
import type {ContainerContext} from '../context.ts';
import {runtimeStateDirectory, volatileParent} from '../directories.ts';
import {findContainer, nameOf, notRunning, unknownContainer} from './find-container.ts';
import {isPaused} from './is-paused.ts';
import {findRun, listRuns, type OneShotRun} from './one-shot-runs.ts';
import {volatileDirectory} from './places.ts';
import {readState} from './read-state.ts';
import {type KeptRecord, listRecords} from './record.ts';

/** A container whose command runs, kept or of a `run` in the foreground. */
export interface LiveContainer {
  readonly id: string;
  readonly name: string | null;
  /** As it was asked for; of a run its id, and null for a bundle. */
  readonly image: string | null;
  readonly labels: Readonly<Record<string, string>>;
  /** Its first process, as this machine counts. */
  readonly pid: number;
  readonly isPaused: boolean;
  /** In memory: its bundle. */
  readonly directory: string;
  readonly runtime: Runtime;
}

/**
 * The running container that a name, an id or the first digits of an id mean.
 *
 * @throws {WinchError} `CONTAINER_UNKNOWN` | `CONTAINER_AMBIGUOUS` | `CONTAINER_STOPPED`
 */
export async function requireLive(context: ContainerContext, text: string): Promise<LiveContainer> {
  const kept = findContainer(context, text);
  if (kept) return await liveKept(context, kept);
  const run = await findRun(context, text);
  if (run) return await liveRun(context, run);
  throw unknownContainer(text);
}

/** All that run, kept ones first and of these the latest. */
export async function listLive(context: ContainerContext): Promise<readonly LiveContainer[]> {
  const records = listRecords(context).toSorted((a, b) => b.created.localeCompare(a.created));
  const runs = await listRuns(context);
  const looks = [...records.map((record) => liveKept(context, record)), ...runs.map((run) => liveRun(context, run))];
  const found = await Promise.all(looks.map((look) => look.catch(nullIfStopped)));
  return found.filter((container) => container !== null);
}

function nullIfStopped(error: unknown): null {
  if (isWinchError(error, 'CONTAINER_STOPPED')) return null;
  throw error;
}

/** @throws {WinchError} `CONTAINER_PAUSED` */
export function requireUnpaused(container: Pick<LiveContainer, 'id' | 'name' | 'isPaused'>): void {
  if (!container.isPaused) return;
  throw new WinchError('CONTAINER_PAUSED', `container ${nameOf(container)} is paused`, {
    kind: 'invalid',
    hint: 'unpause it first',
  });
}

async function liveKept(context: ContainerContext, record: KeptRecord): Promise<LiveContainer> {
  const {state, pid, lostBecause} = await readState(context, record);
  if (state !== 'running' || pid === null) throw notRunning(record, lostBecause);
  return describe(context, record, {pid, directory: volatileDirectory(context, record.id)});
}

async function liveRun(context: ContainerContext, run: OneShotRun): Promise<LiveContainer> {
  const runtime = openRunc({path: run.runtime, stateDirectory: runtimeStateDirectory(context)});
  const state = await runtime.readState(run.id);
  if (state === null || (state.status !== 'running' && state.status !== 'paused')) throw notRunning(run);
  const directory = join(volatileParent(context), run.id);
  return describe(context, {...run, image: run.imageId, labels: {}}, {pid: state.pid, directory});
}

function describe(
  context: ContainerContext,
  {
    id,
    name,
    image,
    labels,
    runtime: path,
  }: Pick<KeptRecord, 'id' | 'name' | 'runtime' | 'labels'> & {
    readonly image: string | null;
  },
  found: Pick<LiveContainer, 'pid' | 'directory'>,
): LiveContainer {
  const stateDirectory = runtimeStateDirectory(context);
  const runtime = openRunc({path, stateDirectory});
  return {id, name, image, labels, ...found, isPaused: isPaused({id, ...found}), runtime};
}
