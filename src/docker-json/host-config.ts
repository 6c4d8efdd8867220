import type {ContainerOptions, SecurityOption} from '../bundle/container-options.ts';
import {createHiddenPaths} from '../bundle/hidden-paths.ts';
import {formatIpcMode} from '../bundle/ipc-mode.ts';
import type {BlockIoLimit} from '../bundle/limit-options.ts';
import {formatPidMode} from '../bundle/pid-mode.ts';
import {formatIdMappings, formatUsernsMode} from '../bundle/userns-mode.ts';
import type {MadeWith} from '../containers/kept/inspect-container.ts';
import type {PublishRequest} from '../network/network-mode.ts';
import {toMountRequests} from './container-mounts.ts';
import {formatNetworkMode, innerOf} from './network-settings.ts';

const DEFAULT_SHM_BYTES = 64 * 1024 * 1024;
const NANO = 1e9;

/** What a container was made with, as docker's `HostConfig` has it. */
export function toHostConfig({options, autoRemove, runtime, restart, largestLogBytes}: MadeWith) {
  const retries = restart?.name === 'on-failure' ? (restart.maximumRetries ?? 0) : 0;
  return {
    ...toMountRequests(options),
    ContainerIDFile: '',
    LogConfig: {Type: 'json-file', Config: largestLogBytes === null ? {} : {'max-size': String(largestLogBytes)}},
    NetworkMode: firstMode(options),
    PortBindings: toPortBindings(options.publish ?? []),
    PublishAllPorts: options.publishAll ?? false,
    AutoRemove: autoRemove,
    RestartPolicy: {Name: restart?.name ?? 'no', MaximumRetryCount: retries},
    VolumeDriver: '',
    ConsoleSize: [0, 0],
    Runtime: runtime,
    ...toIsolation(options),
    ...toLimits(options),
    ...(options.annotations && {Annotations: options.annotations}),
  };
}

/** Docker names the first of several networks. */
function firstMode({network}: ContainerOptions): string {
  const [first] = typeof network === 'object' && 'networks' in network ? network.networks : [];
  return first?.name ?? formatNetworkMode(network);
}

const toPortBindings = (publish: readonly PublishRequest[]) =>
  Object.fromEntries(
    [...Map.groupBy(publish, innerOf)].map(([inner, requests]) => [
      inner,
      requests.map(({hostAddress, hostPorts}) => ({HostIp: hostAddress ?? '', HostPort: formatRange(hostPorts)})),
    ]),
  );

function formatRange(range: PublishRequest['hostPorts']): string {
  if (range === null) return '';
  return range.first === range.last ? String(range.first) : `${range.first}-${range.last}`;
}

const toIsolation = (options: ContainerOptions) => ({
  ...toHidden(options),
  CapAdd: options.capabilitiesToAdd ?? null,
  CapDrop: options.capabilitiesToDrop ?? null,
  CgroupnsMode: options.cgroupns ?? 'private',
  Dns: options.dns?.servers ?? [],
  DnsOptions: options.dns?.options ?? [],
  DnsSearch: options.dns?.search ?? [],
  ExtraHosts: options.extraHosts?.map(({name, address}) => `${name}:${address}`) ?? null,
  GroupAdd: options.groupAdd ?? null,
  IpcMode: formatIpcMode(options.ipc),
  Cgroup: '',
  Links: null,
  PidMode: formatPidMode(options.pid),
  Privileged: options.privileged ?? false,
  ReadonlyRootfs: options.readOnlyRootfs ?? false,
  SecurityOpt: options.securityOptions?.map(toSecurityOption) ?? null,
  UTSMode: options.uts ?? '',
  ...toUserns(options),
  Sysctls: options.sysctls ?? {},
  Isolation: '',
  Init: options.initPath !== undefined,
});

/** With podman's member where ids are mapped. */
const toUserns = ({userns}: ContainerOptions) => ({
  UsernsMode: formatUsernsMode(userns),
  ...(typeof userns === 'object' && 'uids' in userns && {IDMappings: formatIdMappings(userns)}),
});

const toLimits = (options: ContainerOptions) => ({
  CpuShares: options.cpuShares ?? 0,
  Memory: options.memoryBytes ?? 0,
  NanoCpus: Math.round((options.cpus ?? 0) * NANO),
  CgroupParent: options.cgroupParent ?? '',
  ...toBlockIo(options),
  CpuPeriod: options.cpuPeriodUs ?? 0,
  CpuQuota: options.cpuQuotaUs ?? 0,
  ...{CpuRealtimePeriod: 0, CpuRealtimeRuntime: 0, CpuCount: 0, CpuPercent: 0},
  ...{IOMaximumIOps: 0, IOMaximumBandwidth: 0},
  CpusetCpus: options.cpusetCpus ?? '',
  CpusetMems: options.cpusetMems ?? '',
  Devices:
    options.devices?.map(({source, target, permissions}) => ({
      PathOnHost: source,
      PathInContainer: target,
      CgroupPermissions: permissions,
    })) ?? [],
  DeviceCgroupRules: options.deviceCgroupRules ?? null,
  DeviceRequests: null,
  MemoryReservation: options.memoryReservationBytes ?? 0,
  MemorySwap: options.memorySwapBytes ?? 0,
  MemorySwappiness: options.memorySwappiness ?? null,
  OomKillDisable: false,
  OomScoreAdj: options.oomScoreAdjustment ?? 0,
  PidsLimit: options.pidsLimit ?? null,
  ShmSize: options.shmBytes ?? DEFAULT_SHM_BYTES,
  Ulimits: options.ulimits?.map(({name, soft, hard}) => ({Name: name, Soft: soft, Hard: hard})) ?? null,
});

function toBlockIo({blkioWeight = 0, blkioLimits = []}: ContainerOptions) {
  const of = (kind: BlockIoLimit['kind']) => blkioLimits.filter((limit) => limit.kind === kind);
  const ratesOf = (kind: BlockIoLimit['kind']) => of(kind).map(({path, amount}) => ({Path: path, Rate: amount}));
  return {
    BlkioWeight: blkioWeight,
    BlkioWeightDevice: of('weight').map(({path, amount}) => ({Path: path, Weight: amount})),
    BlkioDeviceReadBps: ratesOf('read-bps'),
    BlkioDeviceWriteBps: ratesOf('write-bps'),
    BlkioDeviceReadIOps: ratesOf('read-iops'),
    BlkioDeviceWriteIOps: ratesOf('write-iops'),
  };
}

function toHidden(options: ContainerOptions) {
  const {maskedPaths, readonlyPaths} = createHiddenPaths(options, []);
  return {MaskedPaths: maskedPaths, ReadonlyPaths: readonlyPaths};
}

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
