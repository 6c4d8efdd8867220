import type {CallOptions} from '../events.ts';
import {type FileSizes, measureFiles} from '../store/file-sizes.ts';
import type {Removal} from '../store/garbage-survey.ts';
import type {ImageContext} from './context.ts';
import {forgetDeadContainers} from './images-in-use.ts';
import type {LabelFilter, PruneFilter} from './prune-filter.ts';
import {type PrunePlan, planPrune} from './prune-plan.ts';
import {type PlannedStep, type Pruned, stepsOf} from './prune-steps.ts';
import {recordImageEvents} from './record-image-event.ts';
import type {RemovalReport} from './remove.ts';

export type {LabelFilter};

export interface PruneOptions extends CallOptions, PruneFilter {
  /** Whether images that have tags go as well. */
  readonly all?: boolean | undefined;
  /**
   * Whether the compressed copies of unpacked layers go. The images still run; a push or save then downloads them again
   * from where the image came, or fails with `BLOB_DROPPED` where that cannot be.
   */
  readonly blobs?: boolean | undefined;
  /**
   * How many bytes the store may take: images with tags go as well until it takes no more, those that were not used for
   * the longest time first; `all` has no meaning then. Unfinished downloads go before any of them.
   */
  readonly keepBytes?: number | undefined;
  /** Whether unfinished downloads go at once, instead of when nobody has gone on with them for 7 days. */
  readonly partials?: boolean | undefined;
  /** Whether nothing is removed, and only said what would be. */
  readonly isDryRun?: boolean | undefined;
}

export interface PruneReport extends RemovalReport {
  /** Compressed copies of layers that are unpacked. */
  readonly droppedBlobs: number;
  /** With `keepBytes`: what the store then takes, without the log that the database has while it is open; else null. */
  readonly storeBytes: number | null;
}

/**
 * Removes images that no tag names, or all that no container runs, and every file that nothing needs.
 *
 * An image stays while a container runs it, and so does everything that a tag of such an image leads to. What others
 * work with right now (a pull, a bundle, a save, the start of a container) is left to them, and nothing else.
 *
 * @throws {WinchError} of the store
 */
export async function pruneImages(context: ImageContext, options: PruneOptions = {}): Promise<PruneReport> {
  const {store} = context;
  const {isDryRun = false, keepBytes, signal} = options;
  signal?.throwIfAborted();
  await forgetDeadContainers(store);
  const goal = keepBytes === undefined ? null : {keepBytes, sizes: measureFiles(store.paths)};
  const takesPartials = options.partials || (goal !== null && lastingBytes(goal.sizes) > goal.keepBytes);
  const pruned: Pruned = {untagged: [], deleted: [], droppedBlobs: 0, storeBytes: null};
  const freed = await store.collectGarbage({
    choose: (database, isClaimed) => {
      const plan = planPrune(database, context, {...options, goal, isClaimed});
      const steps = stepsOf(database, context, plan);
      if (isDryRun) for (const {note} of steps) note(pruned);
      pruned.storeBytes = plan.storeBytes;
      return removalOf(plan, steps, pruned);
    },
    ...{takesPartials, isDryRun, now: context.now()},
  });
  if (!isDryRun) {
    const {deleted} = pruned;
    recordImageEvents(
      context,
      deleted.map((id) => ({action: 'delete', id, name: id})),
    );
  }
  if (goal === null || pruned.storeBytes === null) return {...pruned, ...freed};
  const partialBytes = takesPartials ? 0 : total(goal.sizes.partials.values());
  return {...pruned, ...freed, storeBytes: pruned.storeBytes + partialBytes + freed.keptBytes};
}

const lastingBytes = ({totalBytes, leftovers}: FileSizes): number => totalBytes - total(leftovers);

const total = (sizes: Iterable<number>): number => [...sizes].reduce((sum, bytes) => sum + bytes, 0);

function removalOf({families, drops}: PrunePlan, steps: readonly PlannedStep[], pruned: Pruned): Removal {
  return {
    images: new Set(families.flat().map(({manifestDigest}) => manifestDigest)),
    blobs: new Set(drops.map(({digest}) => digest)),
    steps: steps.map(({run, note}) => (database, isClaimed) => {
      const isDone = run(database, isClaimed);
      if (isDone) note(pruned);
      return isDone;
    }),
  };
}
