import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {hasErrno} from '../errors.ts';
import type {Cgroups} from './cgroups.ts';

/** What the processes of a cgroup use, as far as the kernel counts it here; null: it does not. */
export interface CgroupUsage {
  /** Processor time since the cgroup was made. */
  readonly cpuSeconds: number | null;
  /** Without the pages of files that nobody has asked for lately, which the kernel gives up at any time. */
  readonly memoryBytes: number | null;
  /** Null as well: none. */
  readonly memoryLimitBytes: number | null;
  readonly pids: number | null;
  /** From and to block devices. */
  readonly readBytes: number | null;
  readonly writtenBytes: number | null;
}

/** No machine has as much memory: v1 says so where there is no limit. */
const NO_LIMIT = 2 ** 60;
const NANOSECONDS = 1e9;
const MICROSECONDS = 1e6;

/**
 * Reads the counters of a cgroup.
 *
 * @see cgroups(7); kernel documentation admin-guide/cgroup-v1/{cpuacct,memory,pids,blkio-controller}.rst, cgroup-v2.rst
 */
export function readCgroupUsage(cgroups: Cgroups, path: string): CgroupUsage {
  return cgroups.version === 'v2' ? readUnified(cgroups, path) : readSeparate(cgroups, path);
}

function readSeparate({controllers}: Cgroups, path: string): CgroupUsage {
  const read = (controller: string, file: string): string | null => {
    const mountPoint = controllers.get(controller);
    return mountPoint === undefined ? null : readOrNull(join(mountPoint, path, file));
  };
  const statistics = read('memory', 'memory.stat');
  const limit = numberOf(read('memory', 'memory.limit_in_bytes'));
  const transfers = read('blkio', 'blkio.throttle.io_service_bytes');
  return {
    cpuSeconds: scaled(numberOf(read('cpuacct', 'cpuacct.usage')), NANOSECONDS),
    memoryBytes: without(numberOf(read('memory', 'memory.usage_in_bytes')), statistics, /^total_inactive_file (\d+)$/m),
    memoryLimitBytes: limit !== null && limit < NO_LIMIT ? limit : null,
    pids: numberOf(read('pids', 'pids.current')),
    readBytes: sumOf(transfers, /^\d+:\d+ Read (\d+)$/gm),
    writtenBytes: sumOf(transfers, /^\d+:\d+ Write (\d+)$/gm),
  };
}

function readUnified({unified}: Cgroups, path: string): CgroupUsage {
  const read = (file: string): string | null => (unified === null ? null : readOrNull(join(unified, path, file)));
  const transfers = read('io.stat');
  return {
    cpuSeconds: scaled(numberOf(/^usage_usec (\d+)$/m.exec(read('cpu.stat') ?? '')?.[1] ?? null), MICROSECONDS),
    memoryBytes: without(numberOf(read('memory.current')), read('memory.stat'), /^inactive_file (\d+)$/m),
    memoryLimitBytes: numberOf(read('memory.max')),
    pids: numberOf(read('pids.current')),
    readBytes: sumOf(transfers, /\brbytes=(\d+)/g),
    writtenBytes: sumOf(transfers, /\bwbytes=(\d+)/g),
  };
}

function without(total: number | null, statistics: string | null, part: RegExp): number | null {
  if (total === null) return null;
  return Math.max(0, total - Number(part.exec(statistics ?? '')?.[1] ?? 0));
}

const scaled = (value: number | null, unit: number): number | null => (value === null ? null : value / unit);

const sumOf = (text: string | null, values: RegExp): number | null =>
  text === null ? null : [...text.matchAll(values)].reduce((sum, [, value]) => sum + Number(value), 0);

/** A file of the kernel's that holds one number; null for `max` as well. */
export const numberOf = (text: string | null): number | null =>
  text !== null && /^\d+\s*$/.test(text) ? Number(text) : null;

/** The text of a file of a cgroup; null: there is none, or none any more. */
export function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    // ENODEV: the cgroup went while its file was being read.
    if (hasErrno(error, 'ENOENT', 'ENOTDIR', 'ENODEV', 'EACCES')) return null;
    throw error;
  }
}
