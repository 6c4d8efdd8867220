import type {BlobDescriptor} from '../store/blobs.ts';
import type {Database} from '../store/database.ts';
import type {FileSizes} from '../store/file-sizes.ts';
import type {ImageRecord} from '../store/image-records.ts';
import {listTagsByImage} from '../store/tags.ts';
import type {ImageContext} from './context.ts';
import {chooseDrops} from './drop-blobs.ts';
import {type Family, findFamilies} from './families.ts';
import {listImagesInUse} from './images-in-use.ts';
import {chooseLeastUsed} from './least-used.ts';
import {listMountedBundles} from './mounted-bundles.ts';
import {matchesFilter, type PruneFilter} from './prune-filter.ts';

export interface PruneChoice extends PruneFilter {
  readonly all?: boolean | undefined;
  readonly blobs?: boolean | undefined;
  /** Null: however much the store takes. */
  readonly goal: {readonly keepBytes: number; readonly sizes: FileSizes} | null;
  readonly isClaimed: (digest: string) => boolean;
}

export interface PrunePlan {
  readonly families: readonly Family[];
  readonly drops: readonly BlobDescriptor[];
  /** With a goal: what is then left of the store, without unfinished downloads; else null. */
  readonly storeBytes: number | null;
}

/** Chooses what a prune takes out of the graph; changes nothing. */
export function planPrune(database: Database, context: ImageContext, choice: PruneChoice): PrunePlan {
  const {all = false, blobs = false, goal, isClaimed} = choice;
  const {isInUse, isMeant} = questionsAbout(context, choice);
  const tagged = listTagsByImage(database);
  const takesTagged = all && goal === null;
  const isChosen = (image: ImageRecord) =>
    !isInUse(image) && (takesTagged || !tagged.has(image.manifestDigest)) && isMeant(image);
  const {going = [], left = []} = Object.groupBy(findFamilies(database), (family) =>
    family.every(isChosen) ? 'going' : 'left',
  );
  const drops = blobs ? chooseDrops(database, context, {images: left.flat(), isMeant, isClaimed}) : [];
  if (goal === null) return {families: going, drops, storeBytes: null};
  const {chosen, storeBytes} = chooseLeastUsed(database, context, {
    ...goal,
    families: left,
    dropped: new Set(drops.map(({digest}) => digest)),
    isRemovable: (image) => !isInUse(image) && isMeant(image),
  });
  return {families: [...going, ...chosen], drops, storeBytes};
}

function questionsAbout({store}: ImageContext, choice: PruneChoice) {
  const running = new Set([...listImagesInUse(store), ...listMountedBundles(store.paths)].map(({imageId}) => imageId));
  return {
    isInUse: ({configDigest}: ImageRecord) => running.has(configDigest) || choice.isClaimed(configDigest),
    isMeant: (image: ImageRecord) => matchesFilter(store, image, choice),
  };
}
