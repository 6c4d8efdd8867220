import type {ContainerOptions} from '../../bundle/container-options.ts';
import {definedMembers} from '../../oci/defined-members.ts';
import {grouped, list, type OptionValues, text} from '../arguments/option-table.ts';
import {flagsConflict} from '../arguments/usage-error.ts';
import {parseBlockIo} from './block-io.ts';
import {parseInteger, parsePositive} from './number.ts';
import {parseSize} from './size.ts';
import {parseUlimit} from './ulimit.ts';

const PERIOD_US = Object.freeze({minimum: 1000, maximum: 1_000_000});

/** Those of `LIMIT_FLAGS` that can be changed while the container runs. */
export const CHANGEABLE_FLAGS = grouped('Limits:', {
  memory: text('BYTES', 'Memory (512m, 2g)', {short: 'm'}),
  'memory-reservation': text('BYTES', 'Memory that is left to it as long as possible'),
  'memory-swap': text('BYTES', 'Memory and swap together; -1 for unlimited swap'),
  cpus: text('NUMBER', 'Processors; fractions allowed (1.5)'),
  'cpu-shares': text('NUMBER', 'Weight against other containers', {short: 'c'}),
  'cpu-quota': text('MICROSECONDS', 'Processor time in each period; -1 for unlimited; --cpus in another way'),
  'cpu-period': text('MICROSECONDS', 'That period, from 1000 to 1000000; 100000 by itself'),
  'cpuset-cpus': text('LIST', 'Which processors (0-3, 0,1)'),
  'cpuset-mems': text('LIST', 'Which nodes of memory (0-3, 0,1)'),
  'pids-limit': text('NUMBER', 'Processes; -1 for unlimited'),
  'blkio-weight': text('NUMBER', 'Weight of its reads and writes of disks, from 10 to 1000'),
});

const LASTING_FLAGS = grouped('Limits:', {
  'blkio-weight-device': list('PATH:NUMBER', 'That weight for one disk'),
  'device-read-bps': list('PATH:BYTES', 'What it reads from a disk in a second (/dev/sda:1m)'),
  'device-write-bps': list('PATH:BYTES', 'What it writes to a disk in a second'),
  'device-read-iops': list('PATH:NUMBER', 'How often it reads from a disk in a second'),
  'device-write-iops': list('PATH:NUMBER', 'How often it writes to a disk in a second'),
  'memory-swappiness': text('NUMBER', 'How readily its memory is swapped out, from 0 to 100; cgroup v1 only'),
  ulimit: list('NAME=SOFT[:HARD]', 'A limit of setrlimit(2) (nofile=1024:2048)'),
  'oom-score-adj': text('NUMBER', 'From -1000 (killed last when memory runs out) to 1000'),
  'cgroup-parent': text('PATH', 'The cgroup to be in (/ci/builds), made when it is not there'),
});

/** Flags about how much the container may use. */
export const LIMIT_FLAGS = {...CHANGEABLE_FLAGS, ...LASTING_FLAGS};

/** @throws {WinchError} `FLAG_INVALID` | `FLAGS_CONFLICT` */
export function parseLimits(values: OptionValues<typeof LIMIT_FLAGS>): ContainerOptions {
  const given = <T>(value: string | undefined, parse: (value: string) => T) =>
    value === undefined ? undefined : parse(value);
  const memoryBytes = given(values.memory, (size) => parseSize('--memory', size));
  const memorySwapBytes = given(values['memory-swap'], parseSwap);
  refuseLessSwapThanMemory(memoryBytes, memorySwapBytes);
  return definedMembers({
    memoryBytes,
    memorySwapBytes,
    memoryReservationBytes: given(values['memory-reservation'], (size) => parseSize('--memory-reservation', size)),
    cpus: given(values.cpus, (cpus) => parsePositive('--cpus', cpus, '1.5')),
    cpuShares: given(values['cpu-shares'], (shares) =>
      parseInteger('--cpu-shares', shares, {minimum: 2, maximum: 262_144}),
    ),
    ...parseQuota(values),
    cpusetCpus: values['cpuset-cpus'],
    cpusetMems: values['cpuset-mems'],
    memorySwappiness: given(values['memory-swappiness'], (text) =>
      parseInteger('--memory-swappiness', text, {minimum: 0, maximum: 100}),
    ),
    pidsLimit: given(values['pids-limit'], (limit) => parseInteger('--pids-limit', limit, {minimum: -1})),
    ulimits: values.ulimit?.map(parseUlimit),
    ...parseBlockIo(values),
    cgroupParent: values['cgroup-parent'] || undefined,
    oomScoreAdjustment: given(values['oom-score-adj'], (score) =>
      parseInteger('--oom-score-adj', score, {minimum: -1000, maximum: 1000}),
    ),
  });
}

function parseQuota({cpus, ...values}: OptionValues<typeof CHANGEABLE_FLAGS>) {
  const [quota, period] = [values['cpu-quota'], values['cpu-period']];
  if (cpus !== undefined && (quota ?? period) !== undefined)
    throw flagsConflict(
      '--cpus does not go with --cpu-quota and --cpu-period',
      'it says both: leave out one or the other',
    );
  return {
    cpuQuotaUs: quota === undefined ? undefined : parseInteger('--cpu-quota', quota, {minimum: -1}),
    cpuPeriodUs: period === undefined ? undefined : parseInteger('--cpu-period', period, PERIOD_US),
  };
}

const parseSwap = (size: string): number => (size === '-1' ? -1 : parseSize('--memory-swap', size));

function refuseLessSwapThanMemory(memoryBytes: number | undefined, memorySwapBytes: number | undefined): void {
  if (memorySwapBytes === undefined || memorySwapBytes === -1) return;
  if (memoryBytes === undefined) throw flagsConflict('--memory-swap needs --memory', 'set both, or neither');
  if (memorySwapBytes >= memoryBytes) return;
  throw flagsConflict('--memory-swap is smaller than --memory', 'it counts both: write the sum of memory and swap');
}
