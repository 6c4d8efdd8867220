import type {ContainerOptions, MountRequest, SecurityOption} from '../bundle/container-options.ts';
import type {HealthCheck} from '../bundle/health-check.ts';
import type {ContainerHealth} from '../containers/health/health-log.ts';
import type {ContainerDetails, MadeWith} from '../containers/kept/inspect-container.ts';
import {statusOf} from '../containers/kept/status-of.ts';
import {formatNetworkMode, toNetworkSettings} from './network-settings.ts';
import {VOLUME_DRIVER} from './volume-driver.ts';

/** How docker writes a time that has not come. */
const NEVER = '0001-01-01T00:00:00Z';
const DEFAULT_SHM_BYTES = 64 * 1024 * 1024;
const NANO = 1e9;
const NANO_PER_MS = 1e6;

/**
 * A container with the field names of `docker container inspect`, so that templates and scripts for it go on working. Of
 * a run in the foreground, which has no record, there is less.
 */
export function toDockerContainer(container: ContainerDetails) {
  const {id, name, created, command, imageId, made} = container;
  const [path = '', ...words] = command;
  return {
    Id: id,
    Created: created,
    Path: path,
    Args: words,
    State: toState(container),
    Image: imageId ?? '',
    Name: name === null ? '' : `/${name}`,
    Config: toConfig(container),
    NetworkSettings: toNetworkSettings(container),
    ...(made && {
      RestartCount: made.restarts,
      LogPath: made.logPath,
      ...(made.writtenBytes !== null && {SizeRw: made.writtenBytes}),
      HostConfig: toHostConfig(made),
      Mounts: (made.options.mounts ?? []).map(toMount),
    }),
  };
}

function toState(container: ContainerDetails) {
  const {state, isPaused, isRestarting, outOfMemory, pid, exitCode, lostBecause, startedAt, finishedAt} = container;
  return {
    Status: statusOf(container),
    // As docker has it, what starts again by itself runs.
    Running: state === 'running' || isRestarting,
    Paused: isPaused,
    Restarting: isRestarting,
    OOMKilled: outOfMemory,
    Pid: pid ?? 0,
    ExitCode: exitCode ?? 0,
    Error: lostBecause ?? '',
    StartedAt: startedAt ?? NEVER,
    FinishedAt: finishedAt ?? NEVER,
    ...(container.health && {Health: toHealth(container.health)}),
  };
}

const toHealth = ({status, failingStreak, log}: ContainerHealth) => ({
  Status: status,
  FailingStreak: failingStreak,
  Log: log.map(({start, end, exitCode, output}) => ({Start: start, End: end, ExitCode: exitCode, Output: output})),
});

const toHealthConfig = (check: HealthCheck) => ({
  Test: check.test,
  Interval: check.intervalMs * NANO_PER_MS,
  Timeout: check.timeoutMs * NANO_PER_MS,
  StartPeriod: check.startPeriodMs * NANO_PER_MS,
  StartInterval: check.startIntervalMs * NANO_PER_MS,
  Retries: check.retries,
});

function toConfig({image, labels, imageConfig, made}: ContainerDetails) {
  const options = made?.options ?? {};
  const imageCommand = options.entrypoint === undefined ? (imageConfig?.Cmd ?? null) : null;
  return {
    Image: image ?? '',
    Labels: labels,
    Cmd: options.command ?? imageCommand,
    Entrypoint: options.entrypoint ?? imageConfig?.Entrypoint ?? null,
    ExposedPorts: imageConfig?.ExposedPorts ?? {},
    Volumes: imageConfig?.Volumes ?? null,
    ...(made && {
      Hostname: made.hostname,
      Domainname: options.domainname ?? '',
      User: options.user ?? imageConfig?.User ?? '',
      Tty: options.terminal ?? false,
      OpenStdin: made.interactive,
      Env: made.environment,
      WorkingDir: made.workingDirectory,
      ...(made.healthCheck && {Healthcheck: toHealthConfig(made.healthCheck)}),
      ...(options.stopTimeoutSeconds !== undefined && {StopTimeout: options.stopTimeoutSeconds}),
      StopSignal: options.stopSignal ?? imageConfig?.StopSignal ?? String(made.stopSignal),
    }),
  };
}

function toHostConfig({options, autoRemove, runtime, restart}: MadeWith) {
  const retries = restart?.name === 'on-failure' ? (restart.maximumRetries ?? 0) : 0;
  return {
    NetworkMode: formatNetworkMode(options.network),
    AutoRemove: autoRemove,
    RestartPolicy: {Name: restart?.name ?? 'no', MaximumRetryCount: retries},
    Runtime: runtime,
    ...toIsolation(options),
    ...toLimits(options),
  };
}

const toIsolation = (options: ContainerOptions) => ({
  CapAdd: options.capabilitiesToAdd ?? null,
  CapDrop: options.capabilitiesToDrop ?? null,
  Privileged: options.privileged ?? false,
  ReadonlyRootfs: options.readOnlyRootfs ?? false,
  SecurityOpt: options.securityOptions?.map(toSecurityOption) ?? null,
  Sysctls: options.sysctls ?? {},
  Dns: options.dns?.servers ?? [],
  DnsOptions: options.dns?.options ?? [],
  DnsSearch: options.dns?.search ?? [],
  ExtraHosts: options.extraHosts?.map(({name, address}) => `${name}:${address}`) ?? null,
  GroupAdd: options.groupAdd ?? null,
  Init: options.initPath !== undefined,
});

const toLimits = (options: ContainerOptions) => ({
  Memory: options.memoryBytes ?? 0,
  MemorySwap: options.memorySwapBytes ?? 0,
  NanoCpus: Math.round((options.cpus ?? 0) * NANO),
  CpuShares: options.cpuShares ?? 0,
  CpusetCpus: options.cpusetCpus ?? '',
  PidsLimit: options.pidsLimit ?? null,
  OomScoreAdj: options.oomScoreAdjustment ?? 0,
  ShmSize: options.shmBytes ?? DEFAULT_SHM_BYTES,
  Ulimits: options.ulimits?.map(({name, soft, hard}) => ({Name: name, Soft: soft, Hard: hard})) ?? null,
  Devices:
    options.devices?.map(({source, target, permissions}) => ({
      PathOnHost: source,
      PathInContainer: target,
      CgroupPermissions: permissions,
    })) ?? [],
});

const toMount = (mount: MountRequest) => ({
  Type: mount.type,
  ...(mount.type === 'volume' && {Name: mount.source, Driver: VOLUME_DRIVER}),
  ...((mount.type === 'bind' || mount.type === 'image') && {Source: mount.source}),
  Destination: mount.target,
  RW: mount.type === 'image' ? mount.readOnly === false : mount.readOnly !== true,
  ...(mount.type === 'bind' && {Propagation: mount.propagation ?? 'rprivate'}),
});

/** As the flag takes them. */
function toSecurityOption(option: SecurityOption): string {
  switch (option.name) {
    case 'no-new-privileges':
      return `no-new-privileges=${option.enabled}`;
    case 'seccomp':
      return `seccomp=${typeof option.profile === 'string' ? option.profile : JSON.stringify(option.profile)}`;
    case 'apparmor':
      return `apparmor=${option.profile}`;
    default:
      return `${option.name}=${option.paths === 'ALL' ? 'ALL' : option.paths.join(':')}`;
  }
}
