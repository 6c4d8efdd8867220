import {totalmem} from 'node:os';
import {setTimeout as sleep} from 'node:timers/promises';
import type {CallOptions} from '../../events.ts';
import {type CgroupUsage, readCgroupUsage} from '../../host/cgroup-usage.ts';
import {type Cgroups, readCgroups} from '../../host/cgroups.ts';
import {monotonicMs} from '../../host/monotonic-ms.ts';
import {type NetworkTraffic, readNetworkTraffic} from '../../host/network-traffic.ts';
import {cgroupPathOf} from '../cgroup-place.ts';
import type {ContainerContext} from '../context.ts';
import {type LiveContainer, listLive, requireLive} from './find-live.ts';
import {requireOwnCgroup} from './own-cgroup.ts';

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
 * @throws {WinchError} `CONTAINER_UNKNOWN` | `CONTAINER_AMBIGUOUS` | `CONTAINER_STOPPED` | `CGROUP_MISSING`
 */
export async function* watchUsage(
  context: ContainerContext,
  {containers, intervalMs = INTERVAL_MS, signal}: WatchUsageOptions = {},
): AsyncGenerator<readonly ContainerUsage[]> {
  const cgroups = readCgroups();
  const marks = new Map<string, Mark>();
  const named = containers && (await Promise.all(containers.map((name) => requireLive(context, name))));
  for (const container of named ?? []) requireOwnCgroup(container);
  for (const container of named ?? (await listLive(context))) {
    mark(marks, container.id, readCgroupUsage(cgroups, cgroupPathOf(container)));
  }
  for (;;) {
    await sleep(intervalMs, undefined, {signal});
    const all = await listLive(context);
    const live = named ? named.flatMap(({id}) => all.find((container) => container.id === id) ?? []) : all;
    if (named && live.length === 0) return;
    yield live.map((container) => readUsage(context, container, {cgroups, marks}));
  }
}

interface Counting {
  readonly cgroups: Cgroups;
  readonly marks: Map<string, Mark>;
}

function readUsage(
  {now}: ContainerContext,
  {id, name, pid, directory}: LiveContainer,
  {cgroups, marks}: Counting,
): ContainerUsage {
  const usage = readCgroupUsage(cgroups, cgroupPathOf({id, directory}));
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
  const found = {cpuSeconds, atMs: monotonicMs()};
  marks.set(id, found);
  return found;
}
