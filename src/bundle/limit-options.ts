/** How much a container may use; what is not said is unlimited. */
export interface LimitOptions {
  readonly memoryBytes?: number;
  /** What is left to it as long as there is other memory to take; below the limit. */
  readonly memoryReservationBytes?: number;
  /** Memory plus swap, in bytes; -1 means unlimited swap. */
  readonly memorySwapBytes?: number;
  /** How readily the kernel swaps its memory out, from 0 to 100; cgroup v1 only. */
  readonly memorySwappiness?: number;
  /** CPUs, fractions allowed (1.5). */
  readonly cpus?: number;
  readonly cpuShares?: number;
  /** Microseconds of processor time in each `cpuPeriodUs` (100 000 when absent), which `cpus` says in another way. */
  readonly cpuQuotaUs?: number;
  readonly cpuPeriodUs?: number;
  readonly cpusetCpus?: string;
  /** Nodes of memory (0-1). */
  readonly cpusetMems?: string;
  readonly pidsLimit?: number;
  /** Its part of the reads and writes against other containers, from 10 to 1000. */
  readonly blkioWeight?: number;
  readonly blkioLimits?: readonly BlockIoLimit[];
}

/** How much a container may read from or write to one disk. */
export interface BlockIoLimit {
  /** Of a whole disk; a partition has no limits of its own. */
  readonly path: string;
  readonly kind: 'weight' | 'read-bps' | 'write-bps' | 'read-iops' | 'write-iops';
  /** Bytes or requests per second; a weight is from 10 to 1000. */
  readonly amount: number;
}
