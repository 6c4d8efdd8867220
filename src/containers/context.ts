import type {ImageContext} from '../images/context.ts';
import type {SnapshotterName} from '../snapshots/snapshotter.ts';
import type {LazyServerEntry} from './lazy/lazy-server.ts';

/** What the container use cases work with. */
export interface ContainerContext extends ImageContext {
  /** The host's name. */
  readonly hostname: string;
  /** The snapshot driver that somebody insists on; null: whichever works here. */
  readonly snapshotter: SnapshotterName | null;
  /** What serves the files of lazy runs; absent: there are none. */
  readonly lazyServer?: LazyServerEntry;
}
