import {familiarReference, splitReference} from '../oci/reference.ts';
import type {BlobDescriptor} from '../store/blobs.ts';
import type {Database} from '../store/database.ts';
import {dropBlobs} from '../store/dropped-blobs.ts';
import type {RemovalStep} from '../store/garbage-survey.ts';
import {deleteImages} from '../store/image-records.ts';
import {forgetLostTags} from '../store/tag-events.ts';
import {deleteTag, listTags} from '../store/tags.ts';
import type {ImageContext} from './context.ts';
import type {Family} from './families.ts';
import {listImagesInUse} from './images-in-use.ts';
import {listMountedBundles} from './mounted-bundles.ts';
import type {PrunePlan} from './prune-plan.ts';

/** What one transaction takes out: some 100 ms. */
const STEP_IMAGES = 250;
const STEP_BLOBS = 3000;

/** What a prune has done. */
export interface Pruned {
  readonly untagged: string[];
  /** Image ids. */
  readonly deleted: string[];
  droppedBlobs: number;
  /** With a goal: what is left of the store, as planned last; else null. */
  storeBytes: number | null;
}

export interface PlannedStep {
  readonly run: RemovalStep;
  /** Adds what the step does. */
  readonly note: (pruned: Pruned) => void;
}

/** The steps of a plan. None tears a family apart, so that a crash between two of them leaves no tag with half of its images. */
export function stepsOf(
  database: Database,
  context: ImageContext,
  {families, drops}: PrunePlan,
): readonly PlannedStep[] {
  const steps = [
    ...chunksOf(families, STEP_IMAGES, ({length}) => length).map((some) => removeFamilies(database, context, some)),
    ...chunksOf(drops, STEP_BLOBS, () => 1).map((some) => dropSome(context, some)),
  ];
  const last = steps.pop() ?? {run: () => true, note: () => {}};
  return [...steps, forgettingAfter(last)];
}

function removeFamilies(database: Database, {store, now}: ImageContext, families: readonly Family[]): PlannedStep {
  const images = families.flat().toSorted((a, b) => b.storedAt - a.storedAt);
  const digests = new Set(images.map(({manifestDigest}) => manifestDigest));
  const tags = listTags(database).filter(({manifestDigest}) => digests.has(manifestDigest));
  return {
    run: (changing, isClaimed) => {
      const users = [...listImagesInUse(store), ...listMountedBundles(store.paths)];
      const running = new Set(users.map(({imageId}) => imageId));
      if (images.some(({configDigest}) => running.has(configDigest) || isClaimed(configDigest))) return false;
      for (const {reference} of tags) deleteTag(changing, reference, now());
      deleteImages(changing, [...digests]);
      return true;
    },
    note: ({untagged, deleted}) => {
      untagged.push(...tags.map(({reference}) => familiarReference(splitReference(reference))));
      deleted.push(...images.map(({configDigest}) => configDigest));
    },
  };
}

const dropSome = ({now}: ImageContext, blobs: readonly BlobDescriptor[]): PlannedStep => ({
  run: (database, isClaimed) => {
    if (blobs.some(({digest}) => isClaimed(digest))) return false;
    dropBlobs(database, blobs, now());
    return true;
  },
  note: (pruned) => {
    pruned.droppedBlobs += blobs.length;
  },
});

const forgettingAfter = ({run, note}: PlannedStep): PlannedStep => ({
  note,
  run: (database, isClaimed) => {
    const isDone = run(database, isClaimed);
    if (isDone) forgetLostTags(database);
    return isDone;
  },
});

/** In lists that each weigh no more than a limit, unless they have one member. */
function chunksOf<T>(members: readonly T[], limit: number, weightOf: (member: T) => number): readonly (readonly T[])[] {
  const chunks: T[][] = [];
  let weight = limit;
  for (const member of members) {
    weight += weightOf(member);
    if (weight > limit) {
      chunks.push([]);
      weight = weightOf(member);
    }
    chunks.at(-1)?.push(member);
  }
  return chunks;
}
