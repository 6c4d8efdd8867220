import {readFileSync} from 'node:fs';
import {arch, cpus, hostname, release, totalmem} from 'node:os';
import {basename} from 'node:path';
import {hasErrno} from '../errors.ts';
import {isRoot} from '../host/account.ts';
import type {Toolkit} from '../toolkit.ts';
import type {Handler} from './api-request.ts';
import {NEWEST_VERSION, OLDEST_VERSION} from './find-route.ts';

type ToolkitInfo = Awaited<ReturnType<Toolkit['info']>>;

/** What docker leaves empty or constant on a machine that is part of no swarm, and of what winch has nothing. */
const CONSTANT = Object.freeze({
  ...{Debug: false, NFd: -1, NGoroutines: -1, NEventsListener: 0, ExperimentalBuild: false, Isolation: ''},
  ...{HttpProxy: '', HttpsProxy: '', NoProxy: '', Labels: [], GenericResources: null, Warnings: null},
  ...{OomKillDisable: false, IPv4Forwarding: true, BridgeNfIptables: true, BridgeNfIp6tables: true, InitBinary: ''},
  IndexServerAddress: 'https://index.docker.io/v1/',
  LoggingDriver: 'json-file',
  Plugins: {
    Volume: ['local'],
    Network: ['bridge', 'host', 'ipvlan', 'macvlan', 'null'],
    Authorization: null,
    Log: ['json-file', 'local'],
  },
  RegistryConfig: {
    AllowNondistributableArtifactsCIDRs: null,
    AllowNondistributableArtifactsHostnames: null,
    InsecureRegistryCIDRs: ['127.0.0.0/8', '::1/128'],
    IndexConfigs: {'docker.io': {Name: 'docker.io', Mirrors: [], Secure: true, Official: true}},
    Mirrors: [],
  },
  Swarm: {
    ...{NodeID: '', NodeAddr: '', LocalNodeState: 'inactive', ControlAvailable: false, Error: ''},
    RemoteManagers: null,
  },
  // Of nothing that runs does winch need to be running.
  LiveRestoreEnabled: true,
});

/** `docker version` */
export const version: Handler = ({version: winch}) => ({
  type: 'json',
  value: {
    Platform: {Name: 'winch'},
    Components: [{Name: 'Engine', Version: winch, Details: {...engineDetails(), Experimental: 'false'}}],
    Version: winch,
    ...engineDetails(),
  },
});

const engineDetails = () => ({
  ApiVersion: NEWEST_VERSION,
  MinAPIVersion: OLDEST_VERSION,
  GitCommit: '',
  // The field is about what the server is built with.
  GoVersion: `node${process.versions.node}`,
  Os: 'linux',
  Arch: goArch(),
  KernelVersion: release(),
  BuildTime: '',
});

/** `docker info` */
export const info: Handler = async ({toolkit, version: winch}) => {
  const [facts, images, containers] = await Promise.all([
    toolkit.info(),
    toolkit.images.list(),
    toolkit.containers.list(),
  ]);
  const running = containers.filter(({state}) => state === 'running');
  const paused = running.filter(({isPaused}) => isPaused).length;
  return {
    type: 'json',
    value: {
      ...CONSTANT,
      ID: facts.root,
      Name: hostname(),
      ServerVersion: winch,
      Containers: containers.length,
      ContainersRunning: running.length - paused,
      ContainersPaused: paused,
      ContainersStopped: containers.length - running.length,
      Images: new Set(images.map(({imageId}) => imageId)).size,
      ...machineOf(facts),
      SystemTime: new Date().toISOString(),
    },
  };
};

const machineOf = ({root, snapshotter, cgroup, kernel, runtime}: ToolkitInfo) => ({
  Driver: snapshotter.name,
  DriverStatus: [],
  DockerRootDir: root,
  CgroupVersion: cgroup === 'v2' ? '2' : '1',
  CgroupDriver: 'cgroupfs',
  KernelVersion: kernel,
  ...operatingSystem(),
  OSType: 'linux',
  Architecture: unameArch(),
  NCPU: cpus().length,
  MemTotal: totalmem(),
  Runtimes: {[runtimeName(runtime.path)]: {path: runtime.path ?? 'runc'}},
  DefaultRuntime: runtimeName(runtime.path),
  RuncCommit: {ID: runtime.version ?? ''},
  ContainerdCommit: {ID: ''},
  InitCommit: {ID: ''},
  ...limitsOf(isRoot()),
  SecurityOptions: [
    'name=seccomp,profile=builtin',
    ...(isRoot() ? [] : ['name=rootless']),
    ...(cgroup === 'v2' ? ['name=cgroupns'] : []),
  ],
});

/** Containers of other users have no cgroup of their own. */
const limitsOf = (areSet: boolean) => ({
  ...{MemoryLimit: areSet, SwapLimit: areSet, CpuCfsPeriod: areSet, CpuCfsQuota: areSet, CPUShares: areSet},
  ...{CPUSet: areSet, PidsLimit: areSet},
});

const runtimeName = (path: string | null): string => basename(path ?? 'runc');

/** @see os-release(5) */
function operatingSystem(): {readonly OperatingSystem: string; readonly OSVersion: string} {
  const text = readOsRelease();
  const member = (name: string) => new RegExp(`^${name}=["']?(.*?)["']?$`, 'm').exec(text)?.[1];
  return {OperatingSystem: member('PRETTY_NAME') ?? 'Linux', OSVersion: member('VERSION_ID') ?? ''};
}

function readOsRelease(): string {
  try {
    return readFileSync('/etc/os-release', 'utf8');
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'EACCES')) return '';
    throw error;
  }
}

const goArch = (): string => ({x64: 'amd64', ia32: '386'})[arch() as string] ?? arch();

/** As uname(1) has it. */
const unameArch = (): string => ({x64: 'x86_64', ia32: 'i686', arm64: 'aarch64'})[arch() as string] ?? arch();
