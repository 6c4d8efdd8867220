import type {HealthCheck} from '../bundle/health-check.ts';
import type {ContainerHealth} from '../containers/health/health-log.ts';
import type {ContainerDetails, MadeWith} from '../containers/kept/inspect-container.ts';
import {statusOf} from '../containers/kept/status-of.ts';
import {anonymousTargets, toMounts} from './container-mounts.ts';
import {toHostConfig} from './host-config.ts';
import {innerOf, toNetworkSettings} from './network-settings.ts';
import {NEVER} from './never.ts';

const NANO_PER_MS = 1e6;
const DRIVER = 'winch';

/**
 * A container with the field names of `docker container inspect`, so that templates and scripts for it go on working. Of
 * a run in the foreground, which has no record, there is less.
 */
export function toDockerContainer(container: ContainerDetails) {
  const {id, name, created, command, imageId, made} = container;
  const [path = '', ...words] = command;
  const exposed = Object.keys(toExposedPorts(container));
  return {
    Id: id,
    Created: created,
    Path: path,
    Args: words,
    State: toState(container),
    Image: imageId ?? '',
    Name: name === null ? '' : `/${name}`,
    Platform: 'linux',
    ...{ResolvConfPath: '', HostnamePath: '', HostsPath: '', MountLabel: '', ProcessLabel: '', AppArmorProfile: ''},
    ExecIDs: null,
    Driver: DRIVER,
    GraphDriver: {Name: DRIVER, Data: null},
    Config: toConfig(container),
    NetworkSettings: toNetworkSettings({...container, exposed, mode: made?.options.network}),
    ...(made && {
      RestartCount: made.restarts,
      LogPath: made.logPath,
      ...(made.writtenBytes !== null && {SizeRw: made.writtenBytes}),
      HostConfig: toHostConfig(made),
      Mounts: toMounts(made.options, made.volumeDirectories),
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
    Dead: false,
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

function toConfig(container: ContainerDetails) {
  const {image, labels, imageConfig, made} = container;
  const options = made?.options ?? {};
  const imageCommand = options.entrypoint === undefined ? (imageConfig?.Cmd ?? null) : null;
  const volumes = {...imageConfig?.Volumes, ...Object.fromEntries(anonymousTargets(options).map((path) => [path, {}]))};
  return {
    ...(made && toProcess(container, made)),
    ExposedPorts: toExposedPorts(container),
    Cmd: options.command ?? imageCommand,
    Image: image ?? '',
    Volumes: Object.keys(volumes).length > 0 ? volumes : null,
    Entrypoint: options.entrypoint ?? imageConfig?.Entrypoint ?? null,
    OnBuild: null,
    Labels: labels,
  };
}

const toProcess = ({imageConfig}: ContainerDetails, {options, ...made}: MadeWith) => ({
  Hostname: made.hostname,
  Domainname: options.domainname ?? '',
  User: options.user ?? imageConfig?.User ?? '',
  AttachStdin: false,
  AttachStdout: false,
  AttachStderr: false,
  Tty: options.terminal ?? false,
  OpenStdin: made.interactive,
  StdinOnce: made.interactive && !made.keepsInput,
  Env: callersFirst(made.environment, options.environment ?? []),
  WorkingDir: made.workingDirectory,
  ...(made.healthCheck && {Healthcheck: toHealthConfig(made.healthCheck)}),
  ...(options.stopTimeoutSeconds !== undefined && {StopTimeout: options.stopTimeoutSeconds}),
  StopSignal: options.stopSignal ?? imageConfig?.StopSignal ?? String(made.stopSignal),
});

/** In docker's order. */
function callersFirst(environment: readonly string[], own: readonly string[]): readonly string[] {
  const isOwn = (variable: string) => own.includes(variable);
  return [...environment.filter(isOwn), ...environment.filter((variable) => !isOwn(variable))];
}

/** What the image says that it listens at, and what is published. */
const toExposedPorts = ({imageConfig, made}: ContainerDetails): Readonly<Record<string, unknown>> => ({
  ...imageConfig?.ExposedPorts,
  ...Object.fromEntries((made?.options.publish ?? []).map((request) => [innerOf(request), {}])),
});
