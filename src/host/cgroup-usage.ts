import {type BlockTransfer, type MemoryCounters, readCgroupCounters} from './cgroup-counters.ts';
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

const NANOSECONDS = 1e9;

/** Sums up the counters of a cgroup. */
export function readCgroupUsage(cgroups: Cgroups, path: string): CgroupUsage {
  const {cpu, memory, pids, transfers} = readCgroupCounters(cgroups, path);
  return {
    cpuSeconds: cpu && cpu.total / NANOSECONDS,
    memoryBytes: memory && memoryInUse(memory),
    memoryLimitBytes: memory?.limitBytes ?? null,
    pids: pids?.current ?? null,
    readBytes: transfers && sumOf(transfers, 'read'),
    writtenBytes: transfers && sumOf(transfers, 'write'),
  };
}

/** v1 counts what is below the cgroup under a name of its own. */
function memoryInUse({bytes, statistics}: MemoryCounters): number {
  const idle = statistics.total_inactive_file ?? statistics.inactive_file ?? 0;
  return Math.max(0, bytes - idle);
}

const sumOf = (transfers: readonly BlockTransfer[], asked: BlockTransfer['operation']): number =>
  transfers.filter(({operation}) => operation === asked).reduce((sum, {bytes}) => sum + bytes, 0);
