import type {LayerPool} from '../layers/layer-pool.ts';
import type {Platform} from '../oci/platform.ts';
import type {RegistryClient} from '../registry/client.ts';
import type {Store} from '../store/store.ts';

/** What the image use cases work with; costly parts are opened at first use and closed by their owner. */
export interface ImageContext {
  readonly store: Store;
  readonly hostPlatform: Platform;
  registry(): Promise<RegistryClient>;
  layerPool(): Promise<LayerPool>;
  /** Volatile directory of this user: bundles of running containers and the runtime's state. */
  readonly runtimeDirectory: string;
  /** Milliseconds since 1970. */
  now(): number;
}
