import type {CallOptions} from '../events.ts';
import {familiarReference, parseReference} from '../oci/reference.ts';
import type {Collection} from '../store/collect-garbage.ts';
import type {Database} from '../store/database.ts';
import {type FileSizes, measureFiles} from '../store/file-sizes.ts';
import {deleteImage, type ImageRecord, listImages} from '../store/image-records.ts';
import {imagesOfIndex} from '../store/index-parts.ts';
import {forgetLostTags} from '../store/tag-events.ts';
import {deleteTag, listTags, type TagRecord, tagsOf} from '../store/tags.ts';
import type {ImageContext} from './context.ts';
import {dropUnpacked} from './drop-blobs.ts';
import {forgetDeadContainers, listImagesInUse} from './images-in-use.ts';
import {chooseLeastUsed} from './least-used.ts';
import {type LabelFilter, matchesFilter, type PruneFilter} from './prune-filter.ts';
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
  const {isDryRun, keepBytes, signal} = options;
  signal?.throwIfAborted();
  await forgetDeadContainers(store);
  const sizes = keepBytes === undefined ? null : measureFiles(store.paths);
  const takesPartials = options.partials || (sizes !== null && lastingBytes(sizes) > Number(keepBytes));
  let removed: Removed = {untagged: [], deleted: [], droppedBlobs: 0, storeBytes: null};
  const remove = (database: Database, isClaimed: (digest: string) => boolean) => {
    const running = new Set(listImagesInUse(store).map(({imageId}) => imageId));
    const isInUse = (imageId: string) => running.has(imageId) || isClaimed(imageId);
    removed = removeChosen(database, context, {...options, isInUse, isClaimed});
    if (sizes === null || keepBytes === undefined) return;
    const {chosen, storeBytes} = chooseLeastUsed(database, context, {keepBytes, sizes, filter: options, isInUse});
    const {untagged, deleted} = removeImages(database, chosen, context.now());
    removed = {
      ...removed,
      untagged: [...removed.untagged, ...untagged],
      deleted: [...removed.deleted, ...deleted],
      storeBytes: storeBytes + (takesPartials ? 0 : total(sizes.partials.values())),
    };
  };
  const removeAndForget: typeof remove = (database, isClaimed) => {
    remove(database, isClaimed);
    forgetLostTags(database);
  };
  const freed = await store.collectGarbage({remove: removeAndForget, takesPartials, isDryRun, now: context.now()});
  const storeBytes = removed.storeBytes === null ? null : removed.storeBytes + freed.keptBytes;
  return {...removed, ...freed, storeBytes};
}

const lastingBytes = ({totalBytes, leftovers}: FileSizes): number => totalBytes - total(leftovers);

const total = (sizes: Iterable<number>): number => [...sizes].reduce((sum, bytes) => sum + bytes, 0);

type Removed = Omit<PruneReport, keyof Collection>;

interface Choice extends PruneOptions {
  readonly isInUse: (imageId: string) => boolean;
  readonly isClaimed: (digest: string) => boolean;
}

function removeChosen(database: Database, context: ImageContext, options: Choice): Removed {
  const images = removeImages(database, chooseImages(database, context, options), context.now());
  return {...images, droppedBlobs: options.blobs ? dropUnpacked(database, context, options) : 0, storeBytes: null};
}

function chooseImages(database: Database, context: ImageContext, options: Choice): ReadonlySet<string> {
  const {keepBytes, all = false, isInUse} = options;
  const takesTagged = all && keepBytes === undefined;
  const isChosen = (image: ImageRecord) =>
    !isInUse(image.configDigest) &&
    (takesTagged || tagsOf(database, image.manifestDigest).length === 0) &&
    matchesFilter(context.store, image, options);
  const chosen = new Set<string>(
    listImages(database)
      .filter(isChosen)
      .map(({manifestDigest}) => manifestDigest),
  );
  keepSiblings(database, chosen);
  return chosen;
}

/** Takes back every image of a tag of which not all images are to go, until each tag goes whole or stays whole. */
function keepSiblings(database: Database, chosen: Set<string>): void {
  const families = listTags(database).map((tag) => membersOf(database, tag));
  const isTorn = (members: readonly string[]) =>
    members.some((member) => chosen.has(member)) && !members.every((member) => chosen.has(member));
  for (let torn = families.filter(isTorn); torn.length > 0; torn = families.filter(isTorn)) {
    for (const member of torn.flat()) chosen.delete(member);
  }
}

const membersOf = (database: Database, {manifestDigest, targetDigest}: TagRecord): readonly string[] => [
  manifestDigest,
  ...imagesOfIndex(database, targetDigest).map((image) => image.manifestDigest),
];

function removeImages(
  database: Database,
  chosen: ReadonlySet<string>,
  removedAt: number,
): Pick<RemovalReport, 'untagged' | 'deleted'> {
  const tags = listTags(database).filter(({manifestDigest}) => chosen.has(manifestDigest));
  for (const {reference} of tags) deleteTag(database, reference, removedAt);
  const images = listImages(database).filter(({manifestDigest}) => chosen.has(manifestDigest));
  for (const {manifestDigest} of images) deleteImage(database, manifestDigest);
  return {
    untagged: tags.map(({reference}) => familiarReference(parseReference(reference))),
    deleted: images.map(({configDigest}) => configDigest),
  };
}
