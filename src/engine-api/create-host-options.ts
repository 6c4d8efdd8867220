import type {ContainerOptions, VolumesFrom} from '../bundle/container-options.ts';
import {requireDeviceRule} from '../bundle/device-rule.ts';
import {findInit} from '../bundle/find-init.ts';
import {readVolumesFrom} from '../bundle/volume-form.ts';
import {WinchError} from '../errors.ts';
import {definedMembers} from '../oci/defined-members.ts';
import {notOffered} from './api-error.ts';
import {type BodyFields, nonEmpty} from './body-fields.ts';
import {readBlockIo} from './create-block-io.ts';
import {readNamespaces} from './create-namespaces.ts';
import {readSecurity} from './create-security.ts';

/** What would change the container, and winch does not take from here. */
const NOT_TAKEN = [
  ...['Cgroup', 'DeviceRequests', 'StorageOpt'],
  ...['CpuRealtimePeriod', 'CpuRealtimeRuntime', 'KernelMemory', 'OomKillDisable'],
  ...['CpuCount', 'CpuPercent', 'IOMaximumIOps', 'IOMaximumBandwidth'],
];
/** Of these, what is as every container is anyway. */
const TAKEN: Readonly<Record<string, readonly string[]>> = {
  UsernsMode: ['', 'host'],
  VolumeDriver: ['', 'local'],
  Isolation: ['', 'default'],
};
const LOG_TYPES = ['', 'json-file', 'k8s-file', 'local'];
/** `max-file` is the most old logs that are wanted, and winch keeps none. */
const LOG_OPTIONS = ['max-size', 'max-file'];
const NANO = 1e9;

/**
 * What a `HostConfig` asks for, but for its mounts and networks.
 *
 * @throws {WinchError} `BODY_INVALID` | `NOT_OFFERED` | `INIT_NOT_FOUND`
 */
export function readHostOptions(host: BodyFields): ContainerOptions {
  refuseUntaken(host);
  return definedMembers({
    volumesFrom: host.texts('VolumesFrom')?.map(readLender),
    memoryBytes: host.number('Memory') || undefined,
    memorySwapBytes: host.number('MemorySwap') || undefined,
    memoryReservationBytes: host.number('MemoryReservation') || undefined,
    ...readCpus(host),
    cpuShares: host.number('CpuShares') || undefined,
    cpusetCpus: host.text('CpusetCpus') || undefined,
    cpusetMems: host.text('CpusetMems') || undefined,
    memorySwappiness: readSwappiness(host),
    pidsLimit: host.number('PidsLimit') || undefined,
    shmBytes: host.number('ShmSize') || undefined,
    oomScoreAdjustment: host.number('OomScoreAdj') || undefined,
    capabilitiesToAdd: host.texts('CapAdd'),
    capabilitiesToDrop: host.texts('CapDrop'),
    groupAdd: host.texts('GroupAdd'),
    privileged: host.flag('Privileged'),
    readOnlyRootfs: host.flag('ReadonlyRootfs'),
    ...readNamespaces(host),
    sysctls: host.textMap('Sysctls'),
    securityOptions: readSecurity(host),
    devices: nonEmpty(host.records('Devices').map(readDevice)),
    deviceCgroupRules: nonEmpty(host.texts('DeviceCgroupRules')?.map(requireDeviceRule)),
    ...readBlockIo(host),
    cgroupParent: host.text('CgroupParent') || undefined,
    ulimits: nonEmpty(host.records('Ulimits').map(readUlimit)),
    annotations: host.textMap('Annotations'),
    initPath: host.flag('Init') ? findInit() : undefined,
  });
}

/** In whole processors, or as the time within a period that they may be had. */
export function readCpus(limits: BodyFields): Pick<ContainerOptions, 'cpus' | 'cpuQuotaUs' | 'cpuPeriodUs'> {
  const nano = limits.number('NanoCpus') ?? 0;
  if (nano > 0) return {cpus: nano / NANO};
  const [quota, period] = [limits.number('CpuQuota'), limits.number('CpuPeriod')];
  return {...(quota && {cpuQuotaUs: quota}), ...(period && {cpuPeriodUs: period})};
}

/** Clients that know of it send -1 for what is not said. */
function readSwappiness(host: BodyFields): number | undefined {
  const swappiness = host.number('MemorySwappiness');
  return swappiness === undefined || swappiness < 0 ? undefined : swappiness;
}

const readDevice = (device: BodyFields) => {
  const source = device.text('PathOnHost') ?? '';
  const target = device.text('PathInContainer') || source;
  return {source, target, permissions: device.text('CgroupPermissions') || 'rwm'};
};

const readUlimit = (limit: BodyFields) => ({
  name: limit.text('Name') ?? '',
  soft: limit.number('Soft') ?? 0,
  hard: limit.number('Hard') ?? 0,
});

function readLender(text: string): VolumesFrom {
  const lender = readVolumesFrom(text);
  if (lender !== null) return lender;
  throw new WinchError('BODY_INVALID', `${JSON.stringify(text)} in VolumesFrom is not CONTAINER[:ro]`, {
    kind: 'invalid',
  });
}

function refuseUntaken(host: BodyFields): void {
  const untaken =
    NOT_TAKEN.find((name) => host.says(name)) ??
    Object.entries(TAKEN).find(([name, words]) => !words.includes(host.text(name) ?? ''))?.[0];
  if (untaken === undefined) return;
  throw notOffered(`HostConfig.${untaken} is not offered`, 'leave it out');
}

/**
 * From which size on, in bytes, the log begins anew.
 *
 * @throws {WinchError} `BODY_INVALID` | `NOT_OFFERED`
 */
export function readLogLimit(log: BodyFields): number | undefined {
  const options = log.textMap('Config') ?? {};
  const unknown = Object.keys(options).find((name) => !LOG_OPTIONS.includes(name));
  if (!LOG_TYPES.includes(log.text('Type') ?? '') || unknown !== undefined) {
    throw notOffered(
      'logs are kept in one file, in no other way',
      `leave out the LogConfig, or set ${LOG_OPTIONS.join(' and ')}`,
    );
  }
  const size = options['max-size'];
  return size === undefined || size === '-1' ? undefined : readSize(size);
}

const POWERS: Readonly<Record<string, number>> = {'': 0, b: 0, k: 1, m: 2, g: 3};

function readSize(text: string): number {
  const [, digits, unit = ''] = /^(\d{1,12})([bkmg]?)b?$/i.exec(text) ?? [];
  if (digits !== undefined) return Number(digits) * 1024 ** (POWERS[unit.toLowerCase()] ?? 0);
  throw new WinchError('BODY_INVALID', 'the max-size of the log is no size as 10m', {kind: 'invalid'});
}
