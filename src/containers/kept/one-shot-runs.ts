import {existsSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import type {CallOptions} from '../../events.ts';
import {monotonicMs} from '../../host/monotonic-ms.ts';
import {storageError} from '../../host/storage-error.ts';
import {listImagesInUse} from '../../images/images-in-use.ts';
import type {RuntimeSpec} from '../../oci/runtime-spec.ts';
import type {ContainerContext} from '../context.ts';
import {
  type AskedOfRun,
  readAsked,
  readRuntime,
  readStop,
  sweepDeadContainers,
  volatileParent,
  warnOfLeftovers,
} from '../directories.ts';
import {readName} from '../names.ts';
import {findByText} from './find-container.ts';
import {readOrNull} from './record.ts';

/** A `run` in the foreground of some terminal or program. */
export interface OneShotRun extends AskedOfRun {
  readonly id: string;
  readonly name: string;
  /** Null: it runs a bundle, or the note is gone. */
  readonly imageId: string | null;
  readonly command: readonly string[];
  /** ISO 8601. */
  readonly created: string;
  /** Absolute path of the OCI runtime. */
  readonly runtime: string;
  readonly stopSignal: number;
  readonly stopTimeoutSeconds: number | undefined;
}

const POLL_MS = 20;

/** The runs of this store that are going on. What others have left that cannot be cleared is warned of. */
export async function listRuns(
  context: ContainerContext,
  {onEvent}: Pick<CallOptions, 'onEvent'> = {},
): Promise<readonly OneShotRun[]> {
  const {inUse, failures} = await sweepDeadContainers(context).catch((error: unknown) => {
    throw storageError(error, volatileParent(context));
  });
  warnOfLeftovers(failures, {onEvent});
  const own = listImagesInUse(context.store).filter(({isMounted}) => !isMounted);
  const images = new Map(own.map((use) => [use.containerId, use]));
  const ids = inUse.filter((id) => existsSync(join(context.store.paths.containers, id)));
  return ids.flatMap((id) => describeRun(context, id, images.get(id)?.imageId ?? null) ?? []);
}

export const findRun = async (context: ContainerContext, text: string): Promise<OneShotRun | null> =>
  findByText(await listRuns(context), text);

/** @returns false: it goes on after this long. */
export async function waitUntilRunEnds(
  context: ContainerContext,
  {id}: OneShotRun,
  {signal, patienceMs}: {readonly signal: AbortSignal | undefined; readonly patienceMs: number},
): Promise<boolean> {
  const end = monotonicMs() + patienceMs;
  while (existsSync(join(volatileParent(context), id))) {
    signal?.throwIfAborted();
    if (monotonicMs() > end) return false;
    await sleep(POLL_MS);
  }
  return true;
}

/** Null: it has not got so far that its runtime knows of it, or it has just ended. */
function describeRun(context: ContainerContext, id: string, imageId: string | null): OneShotRun | null {
  const directory = join(volatileParent(context), id);
  const [runtime, config] = [readRuntime(context, id), readOrNull(join(directory, 'config.json'))];
  const made = statSync(directory, {throwIfNoEntry: false});
  if (runtime === undefined || config === null || !made) return null;
  const {process} = JSON.parse(config) as RuntimeSpec;
  const created = (made.birthtimeMs > 0 ? made.birthtime : made.mtime).toISOString();
  const {signal: stopSignal, timeoutSeconds: stopTimeoutSeconds} = readStop(context, id);
  return {
    ...readAsked(context, id),
    id,
    name: readName(context, id),
    imageId,
    command: process.args,
    created,
    runtime,
    stopSignal,
    stopTimeoutSeconds,
  };
}
