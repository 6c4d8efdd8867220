import {readFileSync} from 'node:fs';
import {cpus, totalmem} from 'node:os';
import {type CgroupCounters, readCgroupCounters} from '../../host/cgroup-counters.ts';
import {readCgroups} from '../../host/cgroups.ts';
import {type DeviceTraffic, readDeviceTraffic} from '../../host/network-traffic.ts';
import {cgroupPathOf} from '../cgroup-place.ts';
import type {ContainerContext} from '../context.ts';
import {requireLive} from './find-live.ts';

/** What a container has used up to a moment. */
export interface ContainerCounters extends CgroupCounters {
  readonly id: string;
  readonly name: string | null;
  /** ISO 8601. */
  readonly readAt: string;
  /** Null: it shares the machine's network. */
  readonly network: readonly DeviceTraffic[] | null;
  readonly machine: MachineCounters;
}

/** What there is to use, and how much of the processors' time has gone by. */
export interface MachineCounters {
  readonly processors: number;
  /** Of all processors together, idle or not, in nanoseconds. */
  readonly processorTime: number;
  readonly memoryBytes: number;
}

/** Of the first line of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal; guests are in user. */
const TIMES = 8;
const NANO_PER_TICK = 1e7;

/**
 * The kernel's counters of a running container.
 *
 * @throws {WinchError} `CONTAINER_UNKNOWN` | `CONTAINER_AMBIGUOUS` | `CONTAINER_STOPPED`
 */
export async function readCounters(context: ContainerContext, text: string): Promise<ContainerCounters> {
  const {id, name, pid, directory} = await requireLive(context, text);
  return {
    ...{id, name, readAt: new Date(context.now()).toISOString()},
    ...readCgroupCounters(readCgroups(), cgroupPathOf({id, directory})),
    network: readDeviceTraffic(pid),
    machine: {processors: cpus().length, processorTime: readProcessorTime(), memoryBytes: totalmem()},
  };
}

/** proc_stat(5) */
function readProcessorTime(): number {
  const [first = ''] = readFileSync('/proc/stat', 'utf8').split('\n');
  const ticks = first
    .trim()
    .split(/\s+/)
    .slice(1, TIMES + 1);
  return ticks.reduce((sum, tick) => sum + Number(tick) * NANO_PER_TICK, 0);
}
