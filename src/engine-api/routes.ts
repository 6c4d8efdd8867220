import type {Handler, Hijack} from './api-request.ts';
import type {Route} from './find-route.ts';

type Module<Name extends string> = Promise<Readonly<Record<Name, Handler>>>;

const parse = (line: string): Pick<Route, 'method' | 'path'> => {
  const [method, path] = line.split(' ') as [Route['method'], string];
  return {method, path};
};

const route = (line: string, load: () => Promise<Handler>): Route => ({...parse(line), load});

/** Of requests that leave HTTP. */
const hijack = (line: string, loadHijack: () => Promise<Hijack>): Route => ({...parse(line), loadHijack});

/** A handler by its name in the module that has it. */
const from =
  <Name extends string>(load: () => Module<Name>, name: Name) =>
  async (): Promise<Handler> =>
    (await load())[name];

const system = () => import('./system.ts');
const systemInfo = () => import('./system-info.ts');
const images = () => import('./images.ts');
const archives = () => import('./image-archives.ts');
const containers = () => import('./containers.ts');
const life = () => import('./container-life.ts');
const networks = () => import('./networks.ts');
const volumes = () => import('./volumes.ts');
const exec = () => import('./exec.ts');
const logs = () => import('./container-logs.ts');
const changes = () => import('./image-changes.ts');
const push = () => import('./image-push.ts');
const usage = () => import('./disk-usage.ts');
const distribution = () => import('./distribution.ts');
const auth = () => import('./auth.ts');
const files = () => import('./container-archives.ts');
const commit = () => import('./commit.ts');
const update = () => import('./update-container.ts');

/** Those with a fixed word stand before those that take any. */
export const ROUTES: readonly Route[] = Object.freeze([
  route('GET /_ping', from(system, 'ping')),
  route('HEAD /_ping', from(system, 'ping')),
  route('GET /version', from(systemInfo, 'version')),
  route('GET /info', from(systemInfo, 'info')),
  route('GET /system/df', from(usage, 'diskUsage')),
  route(
    'GET /events',
    from(() => import('./events.ts'), 'followEvents'),
  ),
  route('POST /auth', from(auth, 'checkAuth')),
  route('POST /build', from(system, 'refuseBuild')),
  route('POST /build/prune', from(usage, 'pruneBuildCache')),
  hijack('POST /session', async () => (await system()).refuseSession),
  route('GET /plugins', from(system, 'listPlugins')),
  route('GET /distribution/{name*}/json', from(distribution, 'inspectDistribution')),
  route('GET /images/json', from(images, 'listImages')),
  route('GET /images/search', from(images, 'refuseSearch')),
  route('GET /images/get', from(archives, 'saveImages')),
  route('GET /images/{name*}/get', from(archives, 'saveImages')),
  route('GET /images/{name*}/json', from(images, 'inspectImage')),
  route('GET /images/{name*}/history', from(images, 'imageHistory')),
  route('POST /images/create', from(archives, 'createImage')),
  route('POST /images/load', from(archives, 'loadImages')),
  route('POST /images/prune', from(changes, 'pruneImages')),
  route('POST /images/{name*}/tag', from(changes, 'tagImage')),
  route('POST /images/{name*}/push', from(push, 'pushImage')),
  route('DELETE /images/{name*}', from(changes, 'removeImage')),
  route('GET /containers/json', from(containers, 'listContainers')),
  route('GET /containers/{id}/json', from(containers, 'inspectContainer')),
  route('GET /containers/{id}/top', from(containers, 'listProcesses')),
  route('GET /containers/{id}/changes', from(containers, 'listChanges')),
  route('GET /containers/{id}/archive', from(files, 'readArchive')),
  route('HEAD /containers/{id}/archive', from(files, 'statArchive')),
  route('PUT /containers/{id}/archive', from(files, 'writeArchive')),
  route('GET /containers/{id}/export', from(files, 'exportContainer')),
  route('POST /commit', from(commit, 'commitContainer')),
  route('GET /containers/{id}/logs', from(logs, 'readLogs')),
  route(
    'GET /containers/{id}/stats',
    from(() => import('./stats.ts'), 'readStats'),
  ),
  hijack('POST /containers/{id}/attach', async () => (await import('./attach.ts')).attachToContainer),
  hijack('GET /containers/{id}/attach/ws', async () => (await import('./attach.ts')).attachByWebSocket),
  route('POST /containers/{id}/exec', from(exec, 'createExec')),
  hijack('POST /exec/{id}/start', async () => (await exec()).startExec),
  route('POST /exec/{id}/resize', from(exec, 'resizeExec')),
  route('GET /exec/{id}/json', from(exec, 'inspectExec')),
  route('POST /containers/create', from(life, 'createContainer')),
  route('POST /containers/prune', from(life, 'pruneContainers')),
  route('POST /containers/{id}/start', from(life, 'startContainer')),
  route('POST /containers/{id}/stop', from(life, 'stopContainer')),
  route('POST /containers/{id}/restart', from(life, 'restartContainer')),
  route('POST /containers/{id}/kill', from(life, 'killContainer')),
  route('POST /containers/{id}/pause', from(life, 'pauseContainer')),
  route('POST /containers/{id}/unpause', from(life, 'unpauseContainer')),
  route('POST /containers/{id}/resize', from(life, 'resizeContainer')),
  route('POST /containers/{id}/rename', from(life, 'renameContainer')),
  route('POST /containers/{id}/update', from(update, 'updateContainer')),
  route('POST /containers/{id}/wait', from(life, 'waitForContainer')),
  route('DELETE /containers/{id}', from(life, 'removeContainer')),
  route('GET /networks', from(networks, 'listNetworks')),
  route('GET /networks/{id}', from(networks, 'inspectNetwork')),
  route('POST /networks/create', from(networks, 'createNetwork')),
  route('POST /networks/prune', from(networks, 'pruneNetworks')),
  route('POST /networks/{id}/connect', from(networks, 'connectToNetwork')),
  route('POST /networks/{id}/disconnect', from(networks, 'disconnectFromNetwork')),
  route('DELETE /networks/{id}', from(networks, 'removeNetwork')),
  route('GET /volumes', from(volumes, 'listVolumes')),
  route('GET /volumes/{name}', from(volumes, 'inspectVolume')),
  route('POST /volumes/create', from(volumes, 'createVolume')),
  route('POST /volumes/prune', from(volumes, 'pruneVolumes')),
  route('DELETE /volumes/{name}', from(volumes, 'removeVolume')),
]);
