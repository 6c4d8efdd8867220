import {readdirSync} from 'node:fs';
import {availableParallelism, hostname} from 'node:os';
import {join} from 'node:path';
import type {ContainerContext} from './containers/context.ts';
import type {ToolkitInfo} from './containers/read-info.ts';
import type {RunRequest, RunResult} from './containers/run.ts';
import type {ContainerProcess} from './containers/spawn.ts';
import {hasErrno} from './errors.ts';
import type {CallOptions} from './events.ts';
import type {ImageContext} from './images/context.ts';
import type {BundleOptions, BundleReport} from './images/export-bundle.ts';
import type {HistoryEntry} from './images/history.ts';
import type {ImageDetails} from './images/inspect.ts';
import type {ImageSummary} from './images/list.ts';
import type {PulledImage, PullOptions} from './images/pull.ts';
import type {RemovalReport, RemoveOptions} from './images/remove.ts';
import type {ImageTreeNode} from './images/tree.ts';
import type {LayerPool} from './layers/layer-pool.ts';
import {hostPlatform} from './oci/platform.ts';
import type {RegistryClient} from './registry/client.ts';
import {openStore} from './store/store.ts';

export interface ToolkitOptions {
  /** The store's directory; created with mode 0700 by the first call that writes. */
  readonly root: string;
  /** Volatile state of running containers, on a tmpfs such as `/run/winch`. */
  readonly runtimeDirectory: string;
  /** docker's `config.json`; absent: no stored credentials. */
  readonly dockerConfigPath?: string;
  /** Registries (`host[:port]`) that may be asked over plain HTTP or unverified TLS; loopback may always use HTTP. */
  readonly insecureRegistries?: readonly string[] | 'all';
  /** `full` (default): what a resolved call stored survives a power cut. `fast`: it survives a crash of winch only. */
  readonly durability?: 'full' | 'fast';
  /** What credential helpers get to see of the environment (PATH, HOME …); absent: nothing. */
  readonly helperEnvironment?: Readonly<Record<string, string>>;
  readonly userAgent?: string;
}

/**
 * One store and what can be done with it. Opening is cheap: nothing is created and no costly module is loaded until a
 * call needs it.
 */
export interface Toolkit extends AsyncDisposable {
  readonly images: Images;
  readonly containers: Containers;
  info(): Promise<ToolkitInfo>;
  /** Ends connections, workers and database handles. */
  close(): Promise<void>;
}

export interface Images {
  pull(reference: string, options?: PullOptions): Promise<PulledImage>;
  list(): Promise<readonly ImageSummary[]>;
  inspect(reference: string): Promise<ImageDetails>;
  history(reference: string): Promise<readonly HistoryEntry[]>;
  /** Roots first; an image is a child of the image whose whole chain of layers it starts with. */
  tree(): Promise<readonly ImageTreeNode[]>;
  tag(source: string, target: string): Promise<void>;
  remove(references: readonly string[], options?: RemoveOptions): Promise<RemovalReport>;
  /** Writes an OCI runtime bundle (`config.json` and `rootfs/`) into a new or empty directory. */
  bundle(reference: string, directory: string, options?: BundleOptions): Promise<BundleReport>;
}

export interface Containers {
  /**
   * Runs an image or a bundle once, with this process's standard streams, and removes every trace of it.
   *
   * Changes the mount namespace of the calling thread for good and passes on this process's signals, so a process of
   * its own should call it; `spawn` does that.
   */
  run(request: RunRequest, options?: CallOptions): Promise<RunResult>;
  /** As `run`, in a child process, with piped standard streams. Any number may run at once. */
  spawn(request: RunRequest, options?: CallOptions): Promise<ContainerProcess>;
}

/** More threads than this would not shorten a pull: its largest layer bounds it. */
const MOST_LAYER_WORKERS = 4;
const layerWorkers = (): number => Math.min(MOST_LAYER_WORKERS, Math.max(2, availableParallelism()));
const DEFAULT_USER_AGENT = 'winch';

/** Opens a store; the one place where winch's parts are put together. */
export async function openToolkit(options: ToolkitOptions): Promise<Toolkit> {
  const parts = openParts(options);
  const close = () => parts.close();
  return {
    images: openImages(parts.context, () => clearLeftovers(parts.context)),
    containers: openContainers(parts.context, options),
    info: async () => {
      await clearLeftovers(parts.context);
      return (await import('./containers/read-info.ts')).readToolkitInfo(parts.context);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function openImages(context: ContainerContext, prepare: () => Promise<void>): Images {
  const load = async <T>(module: Promise<T>): Promise<T> => {
    await prepare();
    return module;
  };
  return {
    pull: async (...args) => (await load(import('./images/pull.ts'))).pullImage(context, ...args),
    list: async () => (await load(import('./images/list.ts'))).listStoredImages(context.store),
    inspect: async (reference) => (await load(import('./images/inspect.ts'))).inspectImage(context.store, reference),
    history: async (reference) => (await load(import('./images/history.ts'))).readHistory(context.store, reference),
    tree: async () => (await load(import('./images/tree.ts'))).readTree(context.store),
    tag: async (...args) => (await load(import('./images/tag.ts'))).tagImage(context, ...args),
    remove: async (...args) => (await load(import('./images/remove.ts'))).removeImages(context, ...args),
    bundle: async (reference, directory, options = {}) =>
      (await load(import('./images/export-bundle.ts'))).exportBundle(context, {reference, directory}, options),
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

const openContainers = (context: ContainerContext, toolkitOptions: ToolkitOptions): Containers => ({
  run: async (...args) => (await import('./containers/run.ts')).runContainer(context, ...args),
  spawn: async (request, options = {}) =>
    (await import('./containers/spawn.ts')).spawnContainer(
      new URL(`./run-process.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url),
      {toolkit: toolkitOptions, request},
      options,
    ),
});

interface Parts {
  readonly context: ContainerContext;
  close(): Promise<void>;
}

function openParts(options: ToolkitOptions): Parts {
  const store = openStore({root: options.root, durability: options.durability ?? 'full'});
  let registry: Promise<RegistryClient> | null = null;
  let layerPool: Promise<LayerPool> | null = null;
  const context: ContainerContext & ImageContext = {
    store,
    runtimeDirectory: options.runtimeDirectory,
    hostname: hostname(),
    hostPlatform: hostPlatform({arch: process.arch}),
    registry: () => {
      registry ??= import('./images/open-registry.ts').then(({openRegistry}) =>
        openRegistry({
          dockerConfigPath: options.dockerConfigPath,
          helperEnvironment: options.helperEnvironment,
          insecureRegistries: options.insecureRegistries ?? [],
          userAgent: options.userAgent ?? DEFAULT_USER_AGENT,
        }),
      );
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
