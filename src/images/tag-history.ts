import {WinchError} from '../errors.ts';
import type {Digest} from '../oci/digest.ts';
import {familiarReference, parseReference} from '../oci/reference.ts';
import type {Database} from '../store/database.ts';
import {findImage} from '../store/image-records.ts';
import {imagesOfIndex} from '../store/index-parts.ts';
import type {Store} from '../store/store.ts';
import {listTagEvents, type TagEvent} from '../store/tag-events.ts';
import {findTag, setTag, type TagRecord} from '../store/tags.ts';
import type {ImageContext} from './context.ts';
import {tagKey} from './find-image.ts';

/** What a tag came to name at some time. */
export interface TagMove {
  /** ISO 8601. */
  readonly time: string;
  /** Of an index or a manifest; null where the tag was removed. */
  readonly digest: string | null;
  readonly manifestDigest: string | null;
  /** Null where the tag was removed, and for an image that is no longer in the store. */
  readonly imageId: string | null;
}

export interface RestoredTag {
  readonly reference: string;
  readonly digest: string;
  readonly imageId: string;
}

/**
 * What a tag has named, newest first; the last hundred times. Tags that were removed are known as well, until a
 * prune finds that none of their images is left.
 *
 * @throws {WinchError} `TAG_UNKNOWN`: there was no such tag that is still known of | `REFERENCE_INVALID`
 */
export function readTagHistory(store: Store, text: string): readonly TagMove[] {
  const key = tagKey(parseReference(text));
  const moves = store.read(
    (database) => listTagEvents(database, key).map((event) => describeMove(database, event)),
    [],
  );
  if (moves.length === 0) throw unknownTag(key);
  return moves;
}

/**
 * Sets a tag back to what it named before, or sets one again that was removed; a second time undoes the first.
 *
 * Where an index of which an image was chosen is no longer in the store, the tag names the image's manifest.
 *
 * @throws {WinchError} `TAG_UNKNOWN` | `TAG_NEVER_MOVED` | `TAG_TARGET_GONE`: that image is no longer in the store
 */
export async function undoTag({store, now}: ImageContext, text: string): Promise<RestoredTag> {
  const key = tagKey(parseReference(text));
  // A refusal must not create a store.
  if (!store.read<TagTarget | null>((database) => findPrevious(database, key), null)) throw unknownTag(key);
  return await store.write((database) => {
    const {targetDigest, manifestDigest} = findPrevious(database, key);
    const image = findImage(database, manifestDigest);
    if (!image) throw targetGone(key, manifestDigest);
    const isIndexKept = imagesOfIndex(database, targetDigest).length > 0;
    const tag = {reference: key, targetDigest: isIndexKept ? targetDigest : manifestDigest, manifestDigest};
    setTag(database, tag, now());
    return {reference: familiarReference(parseReference(key)), digest: tag.targetDigest, imageId: image.configDigest};
  });
}

function describeMove(database: Database, {targetDigest, manifestDigest, happenedAt}: TagEvent): TagMove {
  const image = manifestDigest && findImage(database, manifestDigest);
  return {
    time: new Date(happenedAt).toISOString(),
    digest: targetDigest,
    manifestDigest,
    imageId: image ? image.configDigest : null,
  };
}

type TagTarget = Omit<TagRecord, 'reference'>;

/** What the tag named last that it does not name now. */
function findPrevious(database: Database, key: string): TagTarget {
  const events = listTagEvents(database, key);
  if (events.length === 0) throw unknownTag(key);
  const current = findTag(database, key);
  for (const {targetDigest, manifestDigest} of events) {
    const isCurrent = manifestDigest === current?.manifestDigest;
    if (targetDigest && manifestDigest && !isCurrent) return {targetDigest, manifestDigest};
  }
  throw new WinchError('TAG_NEVER_MOVED', `${nameOf(key)} has named one image only`, {
    kind: 'not-found',
    hint: 'there is nothing to go back to',
  });
}

const nameOf = (key: string): string => familiarReference(parseReference(key));

const unknownTag = (key: string): WinchError =>
  new WinchError('TAG_UNKNOWN', `there never was a tag ${nameOf(key)} in this store`, {
    kind: 'not-found',
    hint: 'list the images to see their tags',
  });

const targetGone = (key: string, manifestDigest: Digest): WinchError =>
  new WinchError('TAG_TARGET_GONE', `${nameOf(key)} named ${manifestDigest} before, which is no longer in the store`, {
    kind: 'not-found',
    hint: 'pull that digest again',
  });
