import type {Database} from '../store/database.ts';
import {listDropped} from '../store/dropped-blobs.ts';
import type {FileSizes} from '../store/file-sizes.ts';
import type {ImageRecord} from '../store/image-records.ts';
import {lastUseOf} from '../store/last-use.ts';
import {type ImageFiles, listFilesByImage} from '../store/usage.ts';
import type {ImageContext} from './context.ts';
import type {Family} from './families.ts';

export interface SpaceGoal {
  /** How much the store may take. */
  readonly keepBytes: number;
  /** As the files were before anything was removed. */
  readonly sizes: FileSizes;
  /** All that are left. */
  readonly families: readonly Family[];
  /** Compressed copies of layers that are given up anyhow. */
  readonly dropped: ReadonlySet<string>;
  /** Whether an image may go. */
  readonly isRemovable: (image: ImageRecord) => boolean;
}

export interface LeastUsed {
  readonly chosen: readonly Family[];
  /** What the store takes once they and what nothing needs are gone. */
  readonly storeBytes: number;
}

/**
 * Chooses the images that were not used for the longest time, until what is left of the store is no more than it may
 * take. Images that one tag leads to go together, and none goes while one of them has to stay.
 */
export function chooseLeastUsed(database: Database, {store}: Pick<ImageContext, 'store'>, goal: SpaceGoal): LeastUsed {
  const {families, isRemovable, keepBytes, sizes} = goal;
  const needed = countNeeded(database, goal);
  const fixed = fixedBytes(sizes);
  const lastUse = (family: Family) =>
    Math.max(...family.map(({manifestDigest}) => lastUseOf(store.paths, manifestDigest) ?? 0));
  const removable = families
    .filter((family) => family.every(isRemovable))
    .map((family) => ({family, usedAt: lastUse(family)}))
    .toSorted((a, b) => a.usedAt - b.usedAt);
  const chosen: Family[] = [];
  for (const {family} of removable) {
    if (fixed + needed.bytes() <= keepBytes) break;
    chosen.push(family);
    for (const {manifestDigest} of family) needed.remove(manifestDigest);
  }
  return {chosen, storeBytes: fixed + needed.bytes()};
}

/** What is neither a blob nor a layer nor about to go. */
function fixedBytes({totalBytes, blobs, layers, partials, leftovers}: FileSizes): number {
  const parts = [blobs.values(), layers.values(), partials.values(), leftovers];
  return Math.max(0, totalBytes - parts.reduce((sum, sizes) => sum + total(sizes), 0));
}

function total(sizes: Iterable<number>): number {
  let sum = 0;
  for (const bytes of sizes) sum += bytes;
  return sum;
}

/** The bytes of the files that images need, of which any can be taken away: each file goes with the last that needs it. */
function countNeeded(database: Database, {sizes, families, dropped: droppedNow}: SpaceGoal) {
  const dropped = new Set<string>([...droppedNow, ...listDropped(database).map(({digest}) => digest)]);
  const files = listFilesByImage(database, dropped);
  const blobs = countUsers((digest) => sizes.blobs.get(digest));
  const layers = countUsers((diffId) => sizes.layers.get(diffId));
  const both = (image: ImageFiles | undefined, change: 1 | -1) => {
    blobs.change(image?.blobs ?? [], change);
    layers.change(image?.layers ?? [], change);
  };
  for (const {manifestDigest} of families.flat()) both(files.get(manifestDigest), 1);
  return {
    bytes: () => blobs.bytes() + layers.bytes(),
    remove: (manifestDigest: ImageRecord['manifestDigest']) => both(files.get(manifestDigest), -1),
  };
}

function countUsers(sizeOf: (digest: string) => number | undefined) {
  const users = new Map<string, number>();
  let sum = 0;
  return {
    bytes: () => sum,
    change: (digests: Iterable<string>, change: 1 | -1) => {
      for (const digest of digests) {
        const before = users.get(digest) ?? 0;
        users.set(digest, before + change);
        if (before === 0 || before + change === 0) sum += change * (sizeOf(digest) ?? 0);
      }
    },
  };
}
