import {WinchError} from '../errors.ts';
import type {RuntimeResources} from '../oci/runtime-spec.ts';
import type {ContainerOptions} from './container-options.ts';
import type {DevicePlan} from './devices.ts';

/** The cgroups of this machine. */
export interface CgroupFacts {
  readonly version: 'v1' | 'v2' | 'hybrid';
  /** Controllers that limits can be set in: `memory`, `cpu`, `cpuset`, `pids` … */
  readonly controllers: readonly string[];
  /** Whether swap can be limited. */
  readonly swapLimit: boolean;
  /** Whether reads and writes can be weighed: some disk has a scheduler that does so. */
  readonly hasBlockIoWeights?: boolean;
  /** Whether they belong to somebody else: root of a user namespace may set no limits but those delegated to it. */
  readonly isForeign?: boolean;
  /** The cgroup, if its own processes keep controllers from those below it. */
  readonly occupied?: string;
}

/** Docker's minimum: below it a container dies before it can say why. */
const MIN_MEMORY_BYTES = 6 * 1024 * 1024;
const CPU_PERIOD_US = 100_000;
/** The kernel's limits of a period, and its smallest quota. */
const [MIN_PERIOD_US, MAX_PERIOD_US] = [1000, 1_000_000];
const MIN_CPUS = 0.01;
const MAX_SWAPPINESS = 100;
const CPU_LIST = /^\d+(-\d+)?(,\d+(-\d+)?)*$/;
const MIN_CPU_SHARES = 2;

/**
 * The limits of the container's cgroup. As with docker, a memory limit without one for swap allows as much swap again.
 *
 * @throws {WinchError} `RESOURCE_INVALID` · `CGROUP_CONTROLLER_MISSING`: a limit that this machine would not enforce.
 */
export function createResources(
  options: ContainerOptions,
  cgroup: CgroupFacts,
  {rules, blockIo}: Pick<DevicePlan, 'rules' | 'blockIo'>,
): RuntimeResources {
  const memory = createMemory(options, cgroup);
  const further = {...createReservation(options), ...createSwappiness(options, cgroup)};
  const cpu = createCpu(options);
  const pids = createPids(options);
  const limitsMemory = memory !== undefined || Object.keys(further).length > 0;
  if (limitsMemory) requireController(cgroup, 'memory');
  if ([cpu?.quota, cpu?.period, cpu?.shares].some((limit) => limit !== undefined)) requireController(cgroup, 'cpu');
  if (cpu?.cpus !== undefined || cpu?.mems !== undefined) requireController(cgroup, 'cpuset');
  if (pids !== undefined) requireController(cgroup, 'pids');
  requireDeviceLimits(options, cgroup);
  return {
    devices: rules,
    ...(limitsMemory && {memory: {...memory, ...further}}),
    ...(cpu && {cpu}),
    ...(pids && {pids}),
    ...(blockIo && {blockIO: blockIo}),
  };
}

function createMemory({memoryBytes, memorySwapBytes}: ContainerOptions, cgroup: CgroupFacts) {
  if (memoryBytes === undefined) {
    if (memorySwapBytes === undefined) return undefined;
    throw invalidResource('memory and swap', memorySwapBytes, 'needs a memory limit as well');
  }
  requireInteger('memory', memoryBytes, MIN_MEMORY_BYTES);
  const swap = memorySwapBytes ?? memoryBytes * 2;
  if (swap !== -1) requireInteger('memory and swap', swap, memoryBytes);
  if (cgroup.swapLimit) return {limit: memoryBytes, swap};
  if (memorySwapBytes !== undefined) throw missingController(cgroup, 'limit of swap');
  return {limit: memoryBytes};
}

function createReservation({memoryBytes = Number.MAX_SAFE_INTEGER, memoryReservationBytes}: ContainerOptions) {
  if (memoryReservationBytes === undefined) return undefined;
  requireInteger('memory reservation', memoryReservationBytes, MIN_MEMORY_BYTES);
  if (memoryReservationBytes <= memoryBytes) return {reservation: memoryReservationBytes};
  throw invalidResource('memory reservation', memoryReservationBytes, `must be at most the limit of ${memoryBytes}`);
}

/** cgroup v2 has none. */
function createSwappiness({memorySwappiness}: ContainerOptions, cgroup: CgroupFacts) {
  if (memorySwappiness === undefined) return undefined;
  requireInteger('memory swappiness', memorySwappiness, 0);
  if (memorySwappiness > MAX_SWAPPINESS)
    throw invalidResource('memory swappiness', memorySwappiness, `must be at most ${MAX_SWAPPINESS}`);
  if (cgroup.version === 'v2') throw missingController(cgroup, 'swappiness');
  return {swappiness: memorySwappiness};
}

function createCpu(options: ContainerOptions) {
  const {cpuShares, cpusetCpus, cpusetMems} = options;
  if (cpuShares !== undefined) requireInteger('cpu shares', cpuShares, MIN_CPU_SHARES);
  for (const list of [cpusetCpus, cpusetMems]) {
    if (list !== undefined && !CPU_LIST.test(list))
      throw invalidResource('cpuset', list.slice(0, 80), 'must look like 0-3,5');
  }
  const cpu = {
    ...createQuota(options),
    ...(cpuShares !== undefined && {shares: cpuShares}),
    ...(cpusetCpus !== undefined && {cpus: cpusetCpus}),
    ...(cpusetMems !== undefined && {mems: cpusetMems}),
  };
  return Object.keys(cpu).length > 0 ? cpu : undefined;
}

function createQuota({cpus, cpuQuotaUs, cpuPeriodUs}: ContainerOptions) {
  if (cpus !== undefined) {
    if (cpuQuotaUs !== undefined || cpuPeriodUs !== undefined)
      throw invalidResource('cpus', cpus, 'does not go with a quota or a period of its own');
    if (!(cpus >= MIN_CPUS)) throw invalidResource('cpus', cpus, `must be at least ${MIN_CPUS}`);
    return {period: CPU_PERIOD_US, quota: Math.round(cpus * CPU_PERIOD_US)};
  }
  if (cpuPeriodUs !== undefined) requireInteger('cpu period', cpuPeriodUs, MIN_PERIOD_US);
  if (cpuPeriodUs !== undefined && cpuPeriodUs > MAX_PERIOD_US)
    throw invalidResource('cpu period', cpuPeriodUs, `must be at most ${MAX_PERIOD_US}`);
  if (cpuQuotaUs !== undefined && cpuQuotaUs !== -1) requireInteger('cpu quota', cpuQuotaUs, MIN_PERIOD_US);
  return {
    ...(cpuPeriodUs !== undefined && {period: cpuPeriodUs}),
    ...(cpuQuotaUs !== undefined && {quota: cpuQuotaUs}),
  };
}

/** Zero and below mean no limit, as with docker. */
function createPids({pidsLimit}: ContainerOptions) {
  if (pidsLimit === undefined) return undefined;
  if (!Number.isSafeInteger(pidsLimit)) throw invalidResource('pids limit', pidsLimit, 'must be a whole number');
  return {limit: pidsLimit > 0 ? pidsLimit : -1};
}

function requireDeviceLimits(
  {deviceCgroupRules = [], blkioWeight, blkioLimits = []}: ContainerOptions,
  cgroup: CgroupFacts,
) {
  if (deviceCgroupRules.length > 0 && cgroup.isForeign) throw missingController(cgroup, 'rules for devices');
  if (blkioWeight === undefined && blkioLimits.length === 0) return;
  requireController(cgroup, cgroup.version === 'v2' ? 'io' : 'blkio');
  if (cgroup.hasBlockIoWeights || (blkioWeight === undefined && blkioLimits.every(({kind}) => kind !== 'weight')))
    return;
  throw new WinchError('CGROUP_CONTROLLER_MISSING', "this machine's cgroups have no weights of block I/O", {
    kind: 'unsupported',
    hint: 'give a disk the scheduler bfq, or run without that weight',
  });
}

function requireInteger(what: string, value: number, minimum: number): void {
  if (!Number.isSafeInteger(value) || value < minimum) {
    throw invalidResource(what, value, `must be a whole number of at least ${minimum}`);
  }
}

function requireController(cgroup: CgroupFacts, name: string): void {
  if (!cgroup.controllers.includes(name)) throw missingController(cgroup, `${name} controller`);
}

const invalidResource = (what: string, value: number | string, rule: string): WinchError =>
  new WinchError('RESOURCE_INVALID', `${what} ${value} ${rule}`, {kind: 'invalid'});

function missingController(cgroup: CgroupFacts, what: string): WinchError {
  const [problem, hint] = explainMissing(cgroup, what);
  return new WinchError('CGROUP_CONTROLLER_MISSING', problem, {
    kind: 'unsupported',
    hint: `${hint}, or run without that limit`,
  });
}

function explainMissing({version, isForeign, occupied}: CgroupFacts, what: string): readonly [string, string] {
  if (occupied !== undefined) {
    return [`the cgroup ${occupied} has processes of its own, so those below it have no ${what}`, 'move them below it'];
  }
  if (!isForeign) return [`this machine's cgroups have no ${what}`, 'enable it on the kernel command line'];
  const place = version === 'v2' ? ', or where it is delegated (systemd-run --user --scope)' : '';
  return [`root of a user namespace has no ${what}`, `run as root${place}`];
}
