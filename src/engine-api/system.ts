import {arch, cpus, release, totalmem} from 'node:os';
import {basename} from 'node:path';
import {notOffered} from './api-error.ts';
import {type ApiReply, filtersOf, type Handler} from './api-request.ts';
import {NEWEST_VERSION, OLDEST_VERSION} from './find-route.ts';
import {momentOf} from './moment.ts';

/** What clients take the versions from that they then ask for. */
export const ping: Handler = (_context, _request): ApiReply => ({
  type: 'text',
  text: 'OK',
  headers: {
    'Docker-Experimental': 'false',
    Ostype: 'linux',
    'Builder-Version': '1',
    'Cache-Control': 'no-cache, no-store, must-revalidate',
    Pragma: 'no-cache',
  },
});

export const version: Handler = ({version: winch}) => ({
  type: 'json',
  value: {
    Platform: {Name: 'winch'},
    Components: [{Name: 'Engine', Version: winch, Details: engineDetails()}],
    Version: winch,
    ApiVersion: NEWEST_VERSION,
    MinAPIVersion: OLDEST_VERSION,
    Os: 'linux',
    Arch: goArch(),
    KernelVersion: release(),
  },
});

const engineDetails = () => ({
  ApiVersion: NEWEST_VERSION,
  MinAPIVersion: OLDEST_VERSION,
  Os: 'linux',
  Arch: goArch(),
  KernelVersion: release(),
  Experimental: 'false',
});

export const info: Handler = async ({toolkit, version: winch}) => {
  const [facts, images, containers] = await Promise.all([
    toolkit.info(),
    toolkit.images.list(),
    toolkit.containers.list(),
  ]);
  const count = (...states: readonly string[]) => containers.filter(({state}) => states.includes(state)).length;
  const paused = containers.filter(({isPaused}) => isPaused).length;
  return {
    type: 'json',
    value: {
      ID: facts.root,
      Name: 'winch',
      ServerVersion: winch,
      Containers: containers.length,
      ContainersRunning: count('running') - paused,
      ContainersPaused: paused,
      ContainersStopped: containers.length - count('running'),
      Images: new Set(images.map(({imageId}) => imageId)).size,
      Driver: facts.snapshotter.name,
      DockerRootDir: facts.root,
      CgroupVersion: facts.cgroup === 'v2' ? '2' : '1',
      CgroupDriver: 'cgroupfs',
      KernelVersion: facts.kernel,
      OSType: 'linux',
      Architecture: goArch() === 'amd64' ? 'x86_64' : arch(),
      NCPU: cpus().length,
      MemTotal: totalmem(),
      DefaultRuntime: basename(facts.runtime.path ?? 'runc'),
      SecurityOptions: ['name=seccomp,profile=builtin'],
      Warnings: [],
    },
  };
};

export const events: Handler = ({toolkit}, {query, signal}) => ({
  type: 'lines',
  values: toolkit.events({
    since: momentOf(query.get('since')),
    until: momentOf(query.get('until')),
    filters: filtersOf(query),
    signal,
  }),
});

export const refuseBuild: Handler = () => {
  throw notOffered('winch does not build images', 'build with buildah, kaniko or docker buildx, and load the result');
};

const goArch = (): string => ({x64: 'amd64', ia32: '386'})[arch() as string] ?? arch();
