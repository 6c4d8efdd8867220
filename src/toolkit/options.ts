import type {RegistrySettings} from '../images/registry-settings.ts';
import type {SnapshotterName} from '../snapshots/snapshotter.ts';
import type {Watchers} from '../trace.ts';

export interface ToolkitOptions extends RegistrySettings, Watchers {
  /** The store's directory; created with mode 0700 by the first call that writes. */
  readonly root: string;
  /** Volatile state: of running containers, and the pauses that registries asked for. On a tmpfs such as `/run/winch`. */
  readonly runtimeDirectory: string;
  /** `full` (default): what a resolved call stored survives a power cut. `fast`: it survives a crash of winch only. */
  readonly durability?: 'full' | 'fast';
  /**
   * How images are mounted. `erofs`: layer files as they are. `overlay`: each layer is extracted when it is first needed.
   * `fuse-overlayfs`: the same, mounted by a process. `copy`: all files are written for each run. Absent: the first of
   * these that works, as a probe finds out.
   */
  readonly snapshotter?: SnapshotterName | undefined;
}
