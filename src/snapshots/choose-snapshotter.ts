import {existsSync} from 'node:fs';
import {type ProbeResult, probeErofs} from './probe-erofs.ts';
import {probeOverlay} from './probe-overlay.ts';
import {rememberProbe} from './remembered-probe.ts';
import type {SnapshotterName} from './snapshotter.ts';

export interface ChosenSnapshotter extends ProbeResult {
  /** Whether somebody asked for it; otherwise it is the first one that works. */
  readonly isForced: boolean;
}

export interface SnapshotterQuestion {
  readonly runtimeDirectory: string;
  /** On the store's disk, where files may be mountable that are not in memory; may not exist. */
  readonly storeDirectory: string;
  /** Null: whichever works. */
  readonly forced: SnapshotterName | null;
}

/**
 * Finds out which driver mounts images here. What was found is remembered for `recallProbe`, unless nothing works.
 *
 * `reason` says why the driver does not work, or why another one had to be taken.
 */
export async function chooseSnapshotter(question: SnapshotterQuestion): Promise<ChosenSnapshotter> {
  const {runtimeDirectory, forced} = question;
  if (forced === 'overlay') return {...(await probeOverlay(runtimeDirectory)), isForced: true};
  const erofs = await probeErofsAnywhere(question);
  if (forced === 'erofs') return {...erofs, isForced: true};
  const found = erofs.usable ? erofs : {...(await probeOverlay(runtimeDirectory)), reason: erofs.reason};
  if (!found.usable) return {...erofs, isForced: false};
  rememberProbe(runtimeDirectory, found);
  return {...found, isForced: false};
}

/** In memory a file is mounted through a loop device, and a container may have none. */
async function probeErofsAnywhere({runtimeDirectory, storeDirectory}: SnapshotterQuestion): Promise<ProbeResult> {
  const inMemory = await probeErofs(runtimeDirectory);
  if (inMemory.usable || !existsSync(storeDirectory)) return inMemory;
  const onDisk = await probeErofs(runtimeDirectory, storeDirectory);
  return onDisk.usable ? onDisk : inMemory;
}
