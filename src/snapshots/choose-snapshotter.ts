import {existsSync} from 'node:fs';
import {probeCopy} from './probe-copy.ts';
import {type ProbeResult, probeErofs} from './probe-erofs.ts';
import {probeOverlay} from './probe-overlay.ts';
import {rememberProbe} from './remembered-probe.ts';
import {SNAPSHOTTERS, type SnapshotterName} from './snapshotter.ts';

export interface ChosenSnapshotter extends ProbeResult {
  /** Whether somebody asked for it; otherwise it is the first one that works. */
  readonly isForced: boolean;
}

export interface ProbeQuestion {
  readonly runtimeDirectory: string;
  /** On the store's disk, where files may be mountable that are not in memory; may not exist. */
  readonly storeDirectory: string;
}

export interface SnapshotterQuestion extends ProbeQuestion {
  /** Null: whichever works. */
  readonly forced: SnapshotterName | null;
}

export type SnapshotterProbes = Readonly<Record<SnapshotterName, (question: ProbeQuestion) => Promise<ProbeResult>>>;

const PROBES: SnapshotterProbes = Object.freeze({
  erofs: probeErofsAnywhere,
  overlay: ({runtimeDirectory}) => probeOverlay(runtimeDirectory),
  'fuse-overlayfs': ({runtimeDirectory}) => probeOverlay(runtimeDirectory, 'fuse-overlayfs'),
  copy: probeCopy,
} satisfies SnapshotterProbes);

/**
 * Finds out which driver mounts images here. What was found is remembered for `recallProbe`, unless nothing works.
 *
 * `reason` says why the driver does not work, or why those before it do not.
 */
export async function chooseSnapshotter(
  {forced, ...question}: SnapshotterQuestion,
  probes: SnapshotterProbes = PROBES,
): Promise<ChosenSnapshotter> {
  if (forced !== null) return {...(await probes[forced](question)), isForced: true};
  const failed: ProbeResult[] = [];
  for (const name of SNAPSHOTTERS) {
    const found = await probes[name](question);
    if (!found.usable) {
      failed.push(found);
      continue;
    }
    const chosen = {...found, reason: joinReasons(failed)};
    rememberProbe(question.runtimeDirectory, chosen);
    return {...chosen, isForced: false};
  }
  return {name: SNAPSHOTTERS[0], usable: false, reason: joinReasons(failed), isForced: false};
}

/** Often it is one and the same. */
const joinReasons = (failed: readonly ProbeResult[]): string | null =>
  failed.length === 0 ? null : [...new Set(failed.map(({reason}) => reason))].join('; ');

/** In memory a file is mounted through a loop device, and a container may have none. */
async function probeErofsAnywhere({runtimeDirectory, storeDirectory}: ProbeQuestion): Promise<ProbeResult> {
  const inMemory = await probeErofs(runtimeDirectory);
  if (inMemory.usable || !existsSync(storeDirectory)) return inMemory;
  const onDisk = await probeErofs(runtimeDirectory, storeDirectory);
  return onDisk.usable ? onDisk : inMemory;
}
