import {totalmem} from 'node:os';
import {setTimeout as sleep} from 'node:timers/promises';
import {isWinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import {type CgroupUsage, readCgroupUsage} from '../../host/cgroup-usage.ts';
import {type Cgroups, readCgroups} from '../../host/cgroups.ts';
import {type NetworkTraffic, readNetworkTraffic} from '../../host/network-traffic.ts';
import type {ContainerContext} from '../context.ts';
import {cgroupPath} from '../directories.ts';
import {type LiveContainer, requireLive} from './find-live.ts';
import {listContainers} from './list-containers.ts';

export interface ContainerUsage extends CgroupUsage {
  readonly id: string;
  readonly name: string | null;
  /** ISO 8601. */
  readonly readAt: string;
  /** How many processors were busy on average since the reading before, 1 for one of them. */
  readonly busyProcessors: number | null;
  /** What is there to be used: the limit, or all memory of the machine. */
  readonly availableMemoryBytes: number;
  /** Null: it shares the machine's network. */
  readonly network: NetworkTraffic | null;
}

export interface WatchUsageOptions extends CallOptions {
  /** Absent: all that run, at each reading anew. */
  readonly containers?: readonly string[] | undefined;
  /** From one reading to the next; absent: a second. */
  readonly intervalMs?: number | undefined;
}

const INTERVAL_MS = 1000;

/** What was used up to a moment, on the clock of this process. */
interface Mark {
  readonly cpuSeconds: number;
  readonly atMs: number;
}

/**
 * What running containers use, from the kernel's own counters, again and again until the caller has enough. Those that end
 * meanwhile are left out from then on, and where containers were named the last end is the end.
 *
 * @throws {WinchError} `CONTAINER_UNKNOWN` | `CONTAINER_AMBIGUOUS` | `CONTAINER_STOPPED`
 */
export async function* watchUsage(
  context: ContainerContext,
  {containers, intervalMs = INTERVAL_MS, signal}: WatchUsageOptions = {},
): AsyncGenerator<readonly ContainerUsage[]> {
  const cgroups = readCgroups();
  const marks = new Map<string, Mark>();
  let live = await findLive(context, containers);
  for (const container of live) mark(marks, container.id, readCgroupUsage(cgroups, cgroupPath(container.id)));
  for (;;) {
    await sleep(intervalMs, undefined, {signal});
    live = containers === undefined ? await findLive(context) : await onlyLiving(context, live);
    if (containers !== undefined && live.length === 0) return;
    yield live.map((container) => readUsage(context, container, {cgroups, marks}));
  }
}

async function findLive(context: ContainerContext, names?: readonly string[]): Promise<readonly LiveContainer[]> {
  if (names !== undefined) return await Promise.all(names.map((name) => requireLive(context, name)));
  const running = (await listContainers(context)).filter(({state}) => state === 'running');
  return await onlyLiving(context, running);
}

async function onlyLiving(
  context: ContainerContext,
  containers: readonly {readonly id: string}[],
): Promise<readonly LiveContainer[]> {
  const found = await Promise.all(containers.map(({id}) => requireLive(context, id).catch(nullIfEnded)));
  return found.filter((container) => container !== null);
}

function nullIfEnded(error: unknown): null {
  if (isWinchError(error, 'CONTAINER_UNKNOWN') || isWinchError(error, 'CONTAINER_STOPPED')) return null;
  throw error;
}

interface Counting {
  readonly cgroups: Cgroups;
  readonly marks: Map<string, Mark>;
}

function readUsage(
  {now}: ContainerContext,
  {id, name, pid}: LiveContainer,
  {cgroups, marks}: Counting,
): ContainerUsage {
  const usage = readCgroupUsage(cgroups, cgroupPath(id));
  const before = marks.get(id);
  const after = mark(marks, id, usage);
  return {
    id,
    name,
    readAt: new Date(now()).toISOString(),
    ...usage,
    busyProcessors:
      before && after ? ((after.cpuSeconds - before.cpuSeconds) * 1000) / Math.max(1, after.atMs - before.atMs) : null,
    availableMemoryBytes: Math.min(usage.memoryLimitBytes ?? Number.POSITIVE_INFINITY, totalmem()),
    network: readNetworkTraffic(pid),
  };
}

function mark(marks: Map<string, Mark>, id: string, {cpuSeconds}: CgroupUsage): Mark | undefined {
  if (cpuSeconds === null) return undefined;
  const found = {cpuSeconds, atMs: performance.now()};
  marks.set(id, found);
  return found;
}
