import type {CopiedImage, CopyOptions} from '../images/copy/copy-image.ts';
import type {PushedImage, PushOptions} from '../images/copy/push.ts';
import type {SyncOptions, SyncOutcome, SyncRequest} from '../images/copy/sync.ts';
import type {PlanContext} from '../images/plan-pull.ts';
import type {ReadThrough, ReadThroughOptions} from '../images/read-through/open-read-through.ts';

/** Images on their way to other places. */
export interface Copies {
  /** Copies a stored image to where its name says, or to `options.destination`. */
  push(reference: string, options?: PushOptions): Promise<PushedImage>;
  /** The stored references of a repository, each of which can be pushed. */
  listPushable(repository: string): Promise<readonly string[]>;
  /** Copies between registries, OCI layouts, archives and the store; digests stay. */
  copy(source: string, target: string, options?: CopyOptions): Promise<CopiedImage>;
  /** Brings tags of one repository to another, and yields how each ended. */
  sync(request: SyncRequest, options?: SyncOptions): AsyncGenerator<SyncOutcome>;
  /** Opens images as a registry has them: what is not stored is fetched, and then kept. */
  openReadThrough(options?: ReadThroughOptions): Promise<ReadThrough>;
}

/** @param load Prepares each call and loads the module of it. */
export function openCopies(parts: PlanContext, load: <T>(module: Promise<T>) => Promise<T>): Copies {
  return {
    push: async (...args) => (await load(import('../images/copy/push.ts'))).pushImage(parts, ...args),
    listPushable: async (repository) => (await load(import('../images/copy/push.ts'))).listPushable(parts, repository),
    copy: async (...args) => (await load(import('../images/copy/copy-image.ts'))).copyImage(parts, ...args),
    sync: async function* (...args) {
      yield* (await load(import('../images/copy/sync.ts'))).syncRepository(parts, ...args);
    },
    openReadThrough: async (options) =>
      (await load(import('../images/read-through/open-read-through.ts'))).openReadThrough(parts.images, options),
  };
}
