import {WinchError} from '../errors.ts';
import type {CallOptions} from '../events.ts';
import {type Digest, shortDigest} from '../oci/digest.ts';
import {familiarReference, parseReference} from '../oci/reference.ts';
import type {Collection} from '../store/collect-garbage.ts';
import type {Database} from '../store/database.ts';
import {deleteImage} from '../store/image-records.ts';
import {imagesOfIndex} from '../store/index-parts.ts';
import type {Store} from '../store/store.ts';
import {deleteTag, type TagRecord, tagsOf} from '../store/tags.ts';
import type {ImageContext} from './context.ts';
import {type FoundImage, requireImage, requireStoredImage} from './find-image.ts';
import {forgetDeadContainers, listImagesInUse} from './images-in-use.ts';
import {listMountedBundles} from './mounted-bundles.ts';
import {type ImageEvent, recordImageEvents} from './record-image-event.ts';

/** Hex digits of a container's id in messages. */
const SHORT_ID = 12;

export interface RemoveOptions extends CallOptions {
  /** Remove an image named by its id even when several tags name it, and one that a container runs. */
  readonly force?: boolean | undefined;
}

/** Sizes are bytes; what is kept goes with a later removal, once nobody works with it any more. */
export interface RemovalReport extends Collection {
  readonly untagged: readonly string[];
  /** Image ids that are gone. */
  readonly deleted: readonly string[];
}

/**
 * Removes tags, and images that no tag names any more, and frees what nothing needs.
 *
 * All of the references are removed, or none; with a tag that names an index goes every image that was stored from it.
 * The last name of an image stays while a container runs it, unless it is forced; the container keeps the files that it
 * has mounted even so. It stays in any case for a container that can be started again and for a bundle that is
 * mounted.
 *
 * @throws {WinchError} `IMAGE_UNKNOWN` | `IMAGE_AMBIGUOUS` | `IMAGE_TAGGED_TWICE` | `IMAGE_IN_USE` | `IMAGE_KEPT` |
 * `IMAGE_MOUNTED`
 */
export async function removeImages(
  context: ImageContext,
  references: readonly string[],
  options: RemoveOptions = {},
): Promise<RemovalReport> {
  const {store, now} = context;
  const {force: isForced = false, signal} = options;
  for (const reference of references) requireStoredImage(store, reference);
  signal?.throwIfAborted();
  await forgetDeadContainers(store);
  const removed = await store.write((database) => {
    const found = references.map((reference) => requireImage(database, reference));
    const gone = found.map((image) => removeOne(database, image, {isForced, removedAt: now()}));
    requireUnused(store, {references, deleted: gone.flatMap(({deleted}) => deleted), isForced});
    return gone;
  });
  recordImageEvents(context, removed.flatMap(eventsOf));
  return {
    untagged: removed.flatMap(({untagged}) => untagged),
    deleted: removed.flatMap(({deleted}) => deleted),
    ...(await store.collectGarbage({now: now()})),
  };
}

interface Removed {
  /** The image that was named. */
  readonly id: string;
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
  return {
    id: image.configDigest,
    untagged: untagged.map(familiarTag),
    deleted: deleted.map(({configDigest}) => configDigest),
  };
}

const eventsOf = ({id, untagged, deleted}: Removed): readonly ImageEvent[] => [
  ...untagged.map((name) => ({action: 'untag', id, name})),
  ...deleted.map((gone) => ({action: 'delete', id: gone, name: gone})),
];

interface Removals {
  readonly references: readonly string[];
  readonly deleted: readonly string[];
  readonly isForced: boolean;
}

function requireUnused(store: Store, {references, deleted, isForced}: Removals): void {
  requireUnmounted(store, deleted);
  const uses = listImagesInUse(store).filter(({imageId, isKept}) => deleted.includes(imageId) && (isKept || !isForced));
  const use = uses.find(({isKept}) => isKept) ?? uses[0];
  if (!use) return;
  const {imageId, containerId, name, holder, isKept} = use;
  const image = references.length === 1 ? references[0] : shortDigest(imageId as Digest);
  const who = `container ${name ?? containerId.slice(0, SHORT_ID)}${holder ? ` (pid ${holder.pid})` : ''}`;
  throw new WinchError(isKept ? 'IMAGE_KEPT' : 'IMAGE_IN_USE', `image ${image} is used by ${who}`, {
    kind: 'storage',
    hint: isKept ? 'remove the container first' : 'stop the container first',
    details: {containerId, ...(holder && {pid: holder.pid})},
  });
}

function requireUnmounted({paths}: Store, deleted: readonly string[]): void {
  const bundle = listMountedBundles(paths).find(({imageId}) => deleted.includes(imageId));
  if (!bundle) return;
  const {imageId, directory} = bundle;
  throw new WinchError('IMAGE_MOUNTED', `image ${shortDigest(imageId as Digest)} is mounted in ${directory}`, {
    kind: 'storage',
    hint: 'unmount that bundle first',
    details: {directory},
  });
}

const familiarTag = ({reference}: TagRecord): string => familiarReference(parseReference(reference));

const taggedTwice = (imageId: FoundImage['image']['configDigest'], tags: readonly string[]) =>
  new WinchError('IMAGE_TAGGED_TWICE', `image ${shortDigest(imageId)} is named by ${tags.join(', ')}`, {
    kind: 'invalid',
    hint: 'remove those tags, or force it',
  });
