import {readdirSync} from 'node:fs';
import {availableParallelism, hostname} from 'node:os';
import {join} from 'node:path';
import type {ContainerContext} from './containers/context.ts';
import type {Diagnosis, DiagnosisRequest} from './containers/diagnose.ts';
import type {ToolkitInfo} from './containers/read-info.ts';
import {hasErrno} from './errors.ts';
import type {ImageContext} from './images/context.ts';
import type {LayerPool} from './layers/layer-pool.ts';
import {hostPlatform} from './oci/platform.ts';
import type {RegistryClient} from './registry/client.ts';
import {openStore} from './store/store.ts';
import type {StoreEvent} from './store/store-event.ts';
import type {WatchEventsOptions} from './store/watch-event-log.ts';
import {type Containers, openContainers} from './toolkit/containers.ts';
import {type Images, openImages} from './toolkit/images.ts';
import {type Networks, openNetworks} from './toolkit/networks.ts';
import type {ToolkitOptions} from './toolkit/options.ts';
import {openRegistries, type Registries} from './toolkit/registries.ts';
import {openVolumes, type Volumes} from './toolkit/volumes.ts';

export type {Containers, Images, Networks, Registries, ToolkitOptions, Volumes};

/**
 * One store and what can be done with it. Opening is cheap: nothing is created and no costly module is loaded until a
 * call needs it.
 */
export interface Toolkit extends AsyncDisposable {
  readonly images: Images;
  readonly containers: Containers;
  readonly volumes: Volumes;
  readonly networks: Networks;
  readonly registries: Registries;
  /** What happens to containers, images, networks and volumes, and from `since` on what has happened. */
  events(options?: WatchEventsOptions): AsyncGenerator<StoreEvent, void, void>;
  info(): Promise<ToolkitInfo>;
  /** What running images needs here, and what adds the rest. */
  diagnose(request: DiagnosisRequest): Promise<Diagnosis>;
  /** Ends connections, workers and database handles. */
  close(): Promise<void>;
}

/** More threads than this would not shorten a pull: its largest layer bounds it. */
const MOST_LAYER_WORKERS = 4;
const layerWorkers = (): number => Math.min(MOST_LAYER_WORKERS, Math.max(2, availableParallelism()));

/** Opens a store; the one place where winch's parts are put together. */
export async function openToolkit(options: ToolkitOptions): Promise<Toolkit> {
  const parts = await watchParts(openParts(options), options);
  const close = () => parts.close();
  return {
    images: openImages({images: parts.context, settings: options}, () => clearLeftovers(parts.context)),
    containers: openContainers(parts.context, options),
    volumes: openVolumes(parts.context),
    networks: openNetworks(parts.context),
    registries: openRegistries({images: parts.context, settings: options}),
    events: async function* (options = {}) {
      yield* (await import('./containers/watch-events.ts')).watchEvents(parts.context, options);
    },
    info: async () => {
      await clearLeftovers(parts.context);
      return (await import('./containers/read-info.ts')).readToolkitInfo(parts.context);
    },
    diagnose: async (request) => (await import('./containers/diagnose.ts')).diagnose(parts.context, request),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Every call clears what a killed run left; a look at an empty directory is all that it costs without one. */
async function clearLeftovers(context: ContainerContext): Promise<void> {
  if (!hasRuns(context)) return;
  await (await import('./containers/directories.ts')).sweepDeadContainers(context);
}

function hasRuns({runtimeDirectory}: ContainerContext): boolean {
  try {
    return readdirSync(join(runtimeDirectory, 'containers')).some((name) => !name.startsWith('.'));
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return false;
    throw error;
  }
}

interface Parts {
  readonly context: ContainerContext & ImageContext;
  close(): Promise<void>;
}

/** The same parts, measured, when somebody wants to know. */
async function watchParts(parts: Parts, {onSpan}: ToolkitOptions): Promise<Parts> {
  if (!onSpan) return parts;
  const {traceContext} = await import('./images/trace-context.ts');
  return {...parts, context: {...parts.context, ...traceContext(parts.context, onSpan)}};
}

async function openRegistry(options: ToolkitOptions): Promise<RegistryClient> {
  if (options.onSpan || options.onWire) {
    const {openWatchedRegistry} = await import('./images/open-watched-registry.ts');
    return openWatchedRegistry(options, options);
  }
  return (await import('./images/open-registry.ts')).openRegistry(options);
}

function openParts(options: ToolkitOptions): Parts {
  const store = openStore({root: options.root, durability: options.durability ?? 'full'});
  let registry: Promise<RegistryClient> | null = null;
  let layerPool: Promise<LayerPool> | null = null;
  const context: ContainerContext & ImageContext = {
    store,
    runtimeDirectory: options.runtimeDirectory,
    hostname: hostname(),
    snapshotter: options.snapshotter ?? null,
    hostPlatform: hostPlatform({arch: process.arch}),
    registry: () => {
      registry ??= openRegistry(options);
      return registry;
    },
    layerPool: () => {
      layerPool ??= import('./layers/layer-pool.ts').then(({openLayerPool}) => openLayerPool({size: layerWorkers()}));
      return layerPool;
    },
    now: Date.now,
  };
  return {
    context,
    close: async () => {
      // What failed to open has told its caller and needs no closing.
      const opened = await Promise.allSettled([registry, layerPool]);
      for (const part of opened) if (part.status === 'fulfilled') await part.value?.close();
      store.close();
    },
  };
}
