import {WinchError} from '../errors.ts';
import {recallProbe} from '../snapshots/remembered-probe.ts';
import type {SnapshotterName} from '../snapshots/snapshotter.ts';
import type {ContainerContext} from './context.ts';

export interface DriverChoice {
  readonly name: SnapshotterName;
  /** Why it is not the usual one; null: it is, or somebody asked for it. */
  readonly fallbackReason: string | null;
}

/**
 * The snapshot driver for a run: the one that was asked for, else what a probe has found since the machine was started.
 *
 * @throws {WinchError} `MOUNT_UNSUPPORTED`: none works here
 */
export async function chooseDriver({store, runtimeDirectory, snapshotter}: ContainerContext): Promise<DriverChoice> {
  if (snapshotter !== null) return {name: snapshotter, fallbackReason: null};
  const remembered = recallProbe(runtimeDirectory);
  if (remembered) return {name: remembered.name, fallbackReason: remembered.reason};
  // Probing takes threads and mounts, once after each start of the machine.
  const {chooseSnapshotter} = await import('../snapshots/choose-snapshotter.ts');
  const storeDirectory = store.paths.ingest;
  const {name, usable, reason} = await chooseSnapshotter({runtimeDirectory, storeDirectory, forced: null});
  if (usable) return {name, fallbackReason: reason};
  throw new WinchError('MOUNT_UNSUPPORTED', `images cannot be mounted here: ${reason}`, {
    kind: 'unsupported',
    hint: 'run as root (CAP_SYS_ADMIN)',
  });
}
