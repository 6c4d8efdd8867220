import type {ContainerOptions, HealthOptions} from '../bundle/container-options.ts';
import type {CreateRequest} from '../containers/kept/create-container.ts';
import type {RestartPolicy} from '../containers/kept/restart-policy.ts';
import {WinchError} from '../errors.ts';
import {definedMembers} from '../oci/defined-members.ts';
import {notOffered} from './api-error.ts';
import {type BodyFields, nonEmpty, readFields} from './body-fields.ts';
import {readMounts} from './create-mounts.ts';
import {readNetwork} from './create-network-mode.ts';

/** What would change the container, and winch does not take from here. */
const NOT_TAKEN = [
  ...['PidMode', 'UsernsMode', 'UTSMode', 'CgroupParent', 'Links', 'DeviceRequests', 'DeviceCgroupRules'],
  ...['CpuPeriod', 'CpuQuota', 'CpuRealtimePeriod', 'CpuRealtimeRuntime', 'CpusetMems', 'MemoryReservation'],
  ...['BlkioWeight', 'BlkioWeightDevice', 'OomKillDisable', 'StorageOpt', 'VolumeDriver', 'Init'],
];
const IPC_MODES = ['', 'private', 'shareable'];
const LOG_TYPES = ['', 'json-file', 'k8s-file', 'local'];
const NANO = 1e9;
const NANO_PER_MS = 1e6;

export interface Maker {
  /** Of the container; null: any. */
  readonly name: string | null;
  /** Whether it is for somebody else than root. */
  readonly isUser: boolean;
}

/**
 * What the body of a request for a container asks for; the image has to be there.
 *
 * @throws {WinchError} `BODY_INVALID` | `NOT_OFFERED`
 * @see Engine API v1.51, ContainerCreate
 */
export function readCreateRequest(body: unknown, {name, isUser}: Maker): CreateRequest & {readonly image: string} {
  const config = readFields(body);
  const host = config.record('HostConfig');
  refuseUntaken(host);
  const image = config.text('Image') ?? '';
  if (image === '') throw new WinchError('BODY_INVALID', 'the body names no Image', {kind: 'invalid'});
  return definedMembers({
    image,
    policy: 'never' as const,
    name: name ?? undefined,
    interactive: config.flag('OpenStdin'),
    keepsInput: config.flag('OpenStdin') && !config.flag('StdinOnce') ? true : undefined,
    autoRemove: host.flag('AutoRemove'),
    runtime: host.text('Runtime') || undefined,
    restart: readRestart(host.record('RestartPolicy')),
    container: definedMembers({
      ...processOptions(config),
      ...hostOptions(host),
      ...readNetwork(config, host, isUser),
      mounts: readMounts(config, host),
      health: readHealth(config.record('Healthcheck')),
    }),
  });
}

function refuseUntaken(host: BodyFields): void {
  const untaken = NOT_TAKEN.find((name) => host.says(name));
  const ipc = host.text('IpcMode') ?? '';
  const log = host.record('LogConfig').text('Type') ?? '';
  const what =
    untaken ?? (IPC_MODES.includes(ipc) ? null : 'IpcMode') ?? (LOG_TYPES.includes(log) ? null : 'LogConfig');
  if (what === null || what === undefined) return;
  throw notOffered(`HostConfig.${what} is not offered`, 'leave it out, or make the container with winch create');
}

const processOptions = (config: BodyFields): ContainerOptions =>
  definedMembers({
    command: nonEmpty(config.words('Cmd')),
    entrypoint: config.words('Entrypoint'),
    environment: config.texts('Env'),
    workingDirectory: config.text('WorkingDir') || undefined,
    user: config.text('User') || undefined,
    hostname: config.text('Hostname') || undefined,
    domainname: config.text('Domainname') || undefined,
    labels: config.textMap('Labels'),
    terminal: config.flag('Tty'),
    stopSignal: config.text('StopSignal') || undefined,
    stopTimeoutSeconds: config.number('StopTimeout'),
  });

function readHealth(check: BodyFields): HealthOptions | 'none' | undefined {
  const [kind, ...words] = check.texts('Test') ?? [];
  if (kind === 'NONE') return 'none';
  const millisecondsOf = (name: string) => (check.number(name) || undefined) && (check.number(name) ?? 0) / NANO_PER_MS;
  const health = definedMembers({
    command: kind === 'CMD-SHELL' ? words[0] : kind === 'CMD' ? words : undefined,
    intervalMs: millisecondsOf('Interval'),
    timeoutMs: millisecondsOf('Timeout'),
    startPeriodMs: millisecondsOf('StartPeriod'),
    startIntervalMs: millisecondsOf('StartInterval'),
    retries: check.number('Retries') || undefined,
  });
  return Object.keys(health).length > 0 ? health : undefined;
}

function hostOptions(host: BodyFields): ContainerOptions {
  const nanoCpus = host.number('NanoCpus') ?? 0;
  return definedMembers({
    volumesFrom: host.texts('VolumesFrom')?.map(readVolumesFrom),
    memoryBytes: host.number('Memory') || undefined,
    memorySwapBytes: host.number('MemorySwap') || undefined,
    cpus: nanoCpus > 0 ? nanoCpus / NANO : undefined,
    cpuShares: host.number('CpuShares') || undefined,
    cpusetCpus: host.text('CpusetCpus') || undefined,
    pidsLimit: host.number('PidsLimit') || undefined,
    shmBytes: host.number('ShmSize') || undefined,
    oomScoreAdjustment: host.number('OomScoreAdj') || undefined,
    capabilitiesToAdd: host.texts('CapAdd'),
    capabilitiesToDrop: host.texts('CapDrop'),
    groupAdd: host.texts('GroupAdd'),
    privileged: host.flag('Privileged'),
    readOnlyRootfs: host.flag('ReadonlyRootfs'),
    sysctls: host.textMap('Sysctls'),
    securityOptions: host.texts('SecurityOpt')?.map(readSecurityOption),
    devices: nonEmpty(host.records('Devices').map(readDevice)),
    ulimits: nonEmpty(host.records('Ulimits').map(readUlimit)),
    annotations: host.textMap('Annotations'),
  });
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

function readVolumesFrom(text: string) {
  const [container = '', mode] = text.split(':');
  return {container, ...((mode === 'ro' || mode === 'rw') && {readOnly: mode === 'ro'})};
}

function readSecurityOption(text: string) {
  const [name, value = ''] = text.split(/[=:](.*)/s);
  if (name === 'no-new-privileges') return {name, enabled: value !== 'false'} as const;
  if (name === 'apparmor') return {name, profile: value} as const;
  if (name === 'seccomp' && (value === 'unconfined' || value === 'builtin')) {
    return {name, profile: value === 'unconfined' ? value : 'default'} as const;
  }
  throw notOffered(`the security option ${name} is not offered in this way`, 'make the container with winch create');
}

function readRestart(policy: BodyFields): RestartPolicy | undefined {
  const name = policy.text('Name') ?? '';
  switch (name) {
    case '':
    case 'no':
      return undefined;
    case 'always':
    case 'unless-stopped':
      return {name};
    case 'on-failure':
      return {name, maximumRetries: policy.number('MaximumRetryCount') || undefined};
    default:
      throw new WinchError('BODY_INVALID', 'there is no restart policy of this name', {kind: 'invalid'});
  }
}
