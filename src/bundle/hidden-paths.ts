import type {ContainerOptions} from './container-options.ts';
import {findSecurityOption} from './security-options.ts';

export interface HiddenPaths {
  readonly maskedPaths: readonly string[];
  readonly readonlyPaths: readonly string[];
}

/** Kernel interfaces that tell about the host or other containers. Docker's list; those a kernel lacks are skipped. */
const MASKED: readonly string[] = [
  '/proc/acpi',
  '/proc/asound',
  // Interrupt counts reveal keystroke timing (GHSA-6fw5-f8r9-fgfm).
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  // Power readings reveal keys (GHSA-jq35-85cj-fj4p).
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
];

const READ_ONLY: readonly string[] = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

const NONE: HiddenPaths = Object.freeze({maskedPaths: [], readonlyPaths: []});

/**
 * The paths to mask and to make read-only: docker's, plus `mask=` and minus `unmask=` of the caller; none when
 * privileged.
 *
 * @param hostPaths Further paths that this machine has and that must be masked, such as the thermal counters of CPUs.
 */
export function createHiddenPaths(options: ContainerOptions, hostPaths: readonly string[]): HiddenPaths {
  const added = findSecurityOption(options, 'mask')?.paths ?? [];
  const removed = findSecurityOption(options, 'unmask')?.paths ?? [];
  const base = options.privileged === true ? NONE : {maskedPaths: [...MASKED, ...hostPaths], readonlyPaths: READ_ONLY};
  const isKept = (path: string) => removed !== 'ALL' && !removed.includes(path);
  return {
    maskedPaths: [...new Set([...base.maskedPaths.filter(isKept), ...added])],
    readonlyPaths: base.readonlyPaths.filter(isKept),
  };
}
