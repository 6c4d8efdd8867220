import {WinchError} from '../errors.ts';
import type {CallOptions, ProcessFacts} from '../events.ts';
import {shortDigest} from '../oci/digest.ts';
import {familiarReference, parseReference} from '../oci/reference.ts';
import type {GarbageOptions} from '../store/collect-garbage.ts';
import type {Database} from '../store/database.ts';
import {deleteImage} from '../store/image-records.ts';
import {imagesOfIndex} from '../store/index-parts.ts';
import type {Store} from '../store/store.ts';
import {deleteTag, type TagRecord, tagsOf} from '../store/tags.ts';
import type {ImageContext} from './context.ts';
import {type FoundImage, requireImage, requireStoredImage} from './find-image.ts';

export interface RemoveOptions extends CallOptions {
  /** Remove an image named by its id even when several tags name it. */
  readonly force?: boolean | undefined;
}

export interface RemovalReport {
  readonly untagged: readonly string[];
  /** Image ids that are gone. */
  readonly deleted: readonly string[];
  /** Bytes; null when a pull is under way and the space is freed later. */
  readonly freedBytes: number | null;
  /** Who is in the way of freeing space, as far as that is known. */
  readonly busy: ProcessFacts | null;
}

/**
 * Removes tags, and images that no tag names any more, and frees what nothing needs.
 *
 * All of the references are removed, or none; with a tag that names an index goes every image that was stored from it. A
 * running container keeps the files it has mounted.
 *
 * @throws {WinchError} `IMAGE_UNKNOWN` | `IMAGE_AMBIGUOUS` | `IMAGE_TAGGED_TWICE`
 */
export async function removeImages(
  {store, now}: ImageContext,
  references: readonly string[],
  options: RemoveOptions = {},
): Promise<RemovalReport> {
  for (const reference of references) requireStoredImage(store, reference);
  options.signal?.throwIfAborted();
  const removed = await store.write((database) =>
    references
      .map((reference) => requireImage(database, reference))
      .map((found) => removeOne(database, found, {isForced: options.force ?? false, removedAt: now()})),
  );
  return {
    untagged: removed.flatMap(({untagged}) => untagged),
    deleted: removed.flatMap(({deleted}) => deleted),
    ...(await freeSpace(store)),
  };
}

/** Collects garbage, or says who is in the way. */
export async function freeSpace(
  store: Store,
  options?: GarbageOptions,
): Promise<Pick<RemovalReport, 'freedBytes' | 'busy'>> {
  const {freedBytes, keptFor} = await store.collectGarbage(options);
  return {freedBytes, busy: keptFor[0] ?? null};
}

interface Removed {
  readonly untagged: readonly string[];
  readonly deleted: readonly string[];
}

interface Removal {
  readonly isForced: boolean;
  readonly removedAt: number;
}

function removeOne(database: Database, {image, tag}: FoundImage, {isForced, removedAt}: Removal): Removed {
  const tags = tagsOf(database, image.manifestDigest);
  const going = tag ? [tag] : tags;
  if (!tag && tags.length > 1 && !isForced) throw taggedTwice(image.configDigest, tags.map(familiarTag));
  const images = [image, ...going.flatMap(({targetDigest}) => imagesOfIndex(database, targetDigest))];
  // One of several references may have taken another one's tag or image with it.
  const untagged = going.filter(({reference}) => deleteTag(database, reference, removedAt));
  const deleted = images.filter(
    ({manifestDigest}) => tagsOf(database, manifestDigest).length === 0 && deleteImage(database, manifestDigest),
  );
  return {untagged: untagged.map(familiarTag), deleted: deleted.map(({configDigest}) => configDigest)};
}

const familiarTag = ({reference}: TagRecord): string => familiarReference(parseReference(reference));

const taggedTwice = (imageId: FoundImage['image']['configDigest'], tags: readonly string[]) =>
  new WinchError('IMAGE_TAGGED_TWICE', `image ${shortDigest(imageId)} is named by ${tags.join(', ')}`, {
    kind: 'invalid',
    hint: 'remove those tags, or force it',
  });
