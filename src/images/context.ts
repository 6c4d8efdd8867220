import type {LayerPool} from '../layers/layer-pool.ts';
import type {Platform} from '../oci/platform.ts';
import type {RegistryClient} from '../registry/client.ts';
import type {Lease} from '../store/leases.ts';
import type {Store} from '../store/store.ts';

/** What the image use cases work with; costly parts are opened at first use and closed by their owner. */
export interface ImageContext {
  readonly store: Store;
  /** Of the use case that this one is a part of; null or absent: it has none. */
  readonly lease?: Lease | null;
  /** Whether a tag that names another image is left alone, and what would move it refused. */
  readonly keepsTags?: boolean;
  readonly hostPlatform: Platform;
  registry(): Promise<RegistryClient>;
  layerPool(): Promise<LayerPool>;
  /** Volatile directory of this user: bundles of running containers and the runtime's state. */
  readonly runtimeDirectory: string;
  /** Milliseconds since 1970. */
  now(): number;
}
