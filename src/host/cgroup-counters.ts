import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {hasErrno} from '../errors.ts';
import type {Cgroups} from './cgroups.ts';

/** Bytes from or to one block device. */
export interface BlockTransfer {
  readonly major: number;
  readonly minor: number;
  readonly operation: 'read' | 'write';
  readonly bytes: number;
}

/** In nanoseconds since the cgroup was made. */
export interface CpuCounters {
  readonly total: number;
  readonly user: number;
  readonly kernel: number;
  /** Of each processor; null on v2. */
  readonly perProcessor: readonly number[] | null;
  /** How many periods there were with a limit, and in how many of them it was reached. */
  readonly periods: number;
  readonly throttledPeriods: number;
  readonly throttledTime: number;
}

export interface MemoryCounters {
  readonly bytes: number;
  /** The most there ever was; null on v2. */
  readonly mostBytes: number | null;
  readonly limitBytes: number | null;
  /** Of `memory.stat`. */
  readonly statistics: Readonly<Record<string, number>>;
}

/** What the kernel counts of a cgroup, as it counts it; null: not here. */
export interface CgroupCounters {
  readonly cpu: CpuCounters | null;
  readonly memory: MemoryCounters | null;
  readonly pids: {readonly current: number; readonly limit: number | null} | null;
  readonly transfers: readonly BlockTransfer[] | null;
}

type ReadCounter = (controller: string, file: string) => string | null;

/** No machine has as much memory: v1 says so where there is no limit. */
const NO_LIMIT = 2 ** 60;
const NANO_PER_MICRO = 1000;
/** v1 counts in hundredths of a second (sysconf(3), _SC_CLK_TCK). */
const NANO_PER_TICK = 1e7;

/**
 * Reads the counters of a cgroup.
 *
 * @see kernel documentation admin-guide/cgroup-v1/{cpuacct,memory,pids,blkio-controller}.rst, cgroup-v2.rst
 */
export function readCgroupCounters({version, controllers, unified}: Cgroups, path: string): CgroupCounters {
  const isUnified = version === 'v2';
  const read: ReadCounter = (controller, file) => {
    const mountPoint = isUnified ? unified : controllers.get(controller);
    return mountPoint ? readOrNull(join(mountPoint, path, file)) : null;
  };
  return {
    cpu: isUnified ? readUnifiedCpu(read) : readCpu(read),
    memory: isUnified ? readUnifiedMemory(read) : readMemory(read),
    pids: readPids(read),
    transfers: isUnified ? parseUnifiedTransfers(read('io', 'io.stat')) : parseTransfers(readBlockFile(read)),
  };
}

function readUnifiedCpu(read: ReadCounter): CpuCounters | null {
  const counts = numbersOf(read('cpu', 'cpu.stat'));
  if (counts === null) return null;
  const microseconds = (name: string) => (counts[name] ?? 0) * NANO_PER_MICRO;
  return {
    total: microseconds('usage_usec'),
    user: microseconds('user_usec'),
    kernel: microseconds('system_usec'),
    perProcessor: null,
    periods: counts.nr_periods ?? 0,
    throttledPeriods: counts.nr_throttled ?? 0,
    throttledTime: microseconds('throttled_usec'),
  };
}

function readCpu(read: ReadCounter): CpuCounters | null {
  const total = numberOf(read('cpuacct', 'cpuacct.usage'));
  if (total === null) return null;
  const ticks = numbersOf(read('cpuacct', 'cpuacct.stat')) ?? {};
  const throttling = numbersOf(read('cpu', 'cpu.stat')) ?? {};
  return {
    total,
    user: (ticks.user ?? 0) * NANO_PER_TICK,
    kernel: (ticks.system ?? 0) * NANO_PER_TICK,
    perProcessor: read('cpuacct', 'cpuacct.usage_percpu')?.trim().split(/\s+/).map(Number) ?? null,
    periods: throttling.nr_periods ?? 0,
    throttledPeriods: throttling.nr_throttled ?? 0,
    throttledTime: throttling.throttled_time ?? 0,
  };
}

function readUnifiedMemory(read: ReadCounter): MemoryCounters | null {
  const bytes = numberOf(read('memory', 'memory.current'));
  if (bytes === null) return null;
  const limitBytes = numberOf(read('memory', 'memory.max'));
  return {bytes, mostBytes: null, limitBytes, statistics: numbersOf(read('memory', 'memory.stat')) ?? {}};
}

function readMemory(read: ReadCounter): MemoryCounters | null {
  const bytes = numberOf(read('memory', 'memory.usage_in_bytes'));
  if (bytes === null) return null;
  const limit = numberOf(read('memory', 'memory.limit_in_bytes'));
  return {
    bytes,
    mostBytes: numberOf(read('memory', 'memory.max_usage_in_bytes')),
    limitBytes: limit !== null && limit < NO_LIMIT ? limit : null,
    statistics: numbersOf(read('memory', 'memory.stat')) ?? {},
  };
}

function readPids(read: ReadCounter): CgroupCounters['pids'] {
  const current = numberOf(read('pids', 'pids.current'));
  return current === null ? null : {current, limit: numberOf(read('pids', 'pids.max'))};
}

const readBlockFile = (read: ReadCounter): string | null =>
  read('blkio', 'blkio.throttle.io_service_bytes_recursive') ?? read('blkio', 'blkio.throttle.io_service_bytes');

/** `8:0 Read 4096` */
function parseTransfers(text: string | null): readonly BlockTransfer[] | null {
  if (text === null) return null;
  const lines = text.matchAll(/^(\d+):(\d+) (Read|Write) (\d+)$/gm);
  return [...lines].map(([, major, minor, operation, bytes]) => ({
    ...{major: Number(major), minor: Number(minor), bytes: Number(bytes)},
    operation: operation === 'Read' ? 'read' : 'write',
  }));
}

/** `8:0 rbytes=4096 wbytes=0 rios=1 …` */
function parseUnifiedTransfers(text: string | null): readonly BlockTransfer[] | null {
  if (text === null) return null;
  return [...text.matchAll(/^(\d+):(\d+) (.*)$/gm)].flatMap(([, major, minor, values = '']) => {
    const device = {major: Number(major), minor: Number(minor)};
    const bytesOf = (name: string) => Number(new RegExp(`\\b${name}=(\\d+)`).exec(values)?.[1] ?? 0);
    return [
      {...device, operation: 'read', bytes: bytesOf('rbytes')} as const,
      {...device, operation: 'write', bytes: bytesOf('wbytes')} as const,
    ];
  });
}

/** Lines of a name and a number. */
function numbersOf(text: string | null): Readonly<Record<string, number>> | null {
  if (text === null) return null;
  return Object.fromEntries([...text.matchAll(/^(\w+) (\d+)$/gm)].map(([, name, value]) => [name, Number(value)]));
}

/** A file of the kernel's that holds one number; null for `max` as well. */
const numberOf = (text: string | null): number | null => (text !== null && /^\d+\s*$/.test(text) ? Number(text) : null);

/** The text of a file of a cgroup; null: there is none, or none any more. */
function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    // ENODEV: the cgroup went while its file was being read.
    if (hasErrno(error, 'ENOENT', 'ENOTDIR', 'ENODEV', 'EACCES')) return null;
    throw error;
  }
}
