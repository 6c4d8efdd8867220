import {isWinchError, WinchError} from '../errors.ts';
import type {Digest} from '../oci/digest.ts';
import {bestMatch, parsePlatform, splitPlatform} from '../oci/platform.ts';
import {familiarReference, formatReference, parseReference, type Reference, repositoryName} from '../oci/reference.ts';
import type {Database} from '../store/database.ts';
import {findImage, findImagesById, type ImageRecord} from '../store/image-records.ts';
import {imagesOfIndex} from '../store/index-parts.ts';
import type {Store} from '../store/store.ts';
import {findTag, listTags, type TagRecord, tagsOf} from '../store/tags.ts';

export interface FoundImage {
  readonly image: ImageRecord;
  /** The tag by which it was found; null when found by its id. */
  readonly tag: TagRecord | null;
}

const ID_PATTERN = /^(?:sha256:)?([0-9a-f]{4,64})$/;
const FULL_ID_HEX = 64;

/**
 * Finds a stored image by tag, by `repository@digest`, or by (the first digits of) its id.
 *
 * @param platform Chooses among the images of an index; an id names one image whatever its platform.
 * @throws {WinchError} `IMAGE_UNKNOWN` | `IMAGE_AMBIGUOUS` | `REFERENCE_INVALID`
 */
export function requireImage(database: Database, text: string, platform?: string): FoundImage {
  const named = findByName(database, text);
  const found = named && platform !== undefined ? findForPlatform(database, named, platform) : named;
  const image = found ?? (named ? null : findById(database, text));
  if (image) return image;
  throw unknownImage(text, platform);
}

/** As {@link requireImage}, for a store that may not exist yet. */
export const requireStoredImage = (store: Store, text: string, platform?: string): FoundImage => {
  const found = store.read<FoundImage | null>((database) => requireImage(database, text, platform), null);
  if (!found) throw unknownImage(text);
  return found;
};

/**
 * Whether a text means a stored image by its id and not by a name, so that no registry need be asked.
 *
 * @throws {WinchError} `IMAGE_UNKNOWN` for what can only be an id | `IMAGE_AMBIGUOUS`
 */
export function isStoredId(store: Store, text: string): boolean {
  if (!ID_PATTERN.test(text)) return false;
  try {
    return requireStoredImage(store, text).tag === null;
  } catch (error) {
    if (isWinchError(error, 'IMAGE_UNKNOWN') && !isIdAlone(text)) return false;
    throw error;
  }
}

/** The key under which the store keeps a reference: by its digest when it has one, else by its tag. */
export const tagKey = (reference: Reference): string =>
  formatReference(reference.digest ? {...reference, tag: null} : reference);

export function findByReference(database: Database, reference: Reference): FoundImage | null {
  const tag = findTag(database, tagKey(reference));
  if (!tag) return reference.digest ? findByDigest(database, reference, reference.digest) : null;
  const image = findImage(database, tag.manifestDigest);
  return image && {image, tag};
}

/**
 * The image for a platform among those that were stored from the same index; the one that runs best there, or null.
 *
 * @throws {WinchError} `PLATFORM_INVALID`
 */
export function findForPlatform(database: Database, {image, tag}: FoundImage, platform: string): FoundImage | null {
  const siblings = tag ? imagesOfIndex(database, tag.targetDigest) : [];
  const best = bestMatch([image, ...siblings], parsePlatform(platform), (candidate) =>
    splitPlatform(candidate.platform),
  );
  return best && {image: best, tag};
}

function findByName(database: Database, text: string): FoundImage | null {
  return isIdAlone(text) ? null : findByReference(database, parseReference(text));
}

/** No repository may have such a name. */
const isIdAlone = (text: string): boolean =>
  ID_PATTERN.test(text) && (text.startsWith('sha256:') || text.length === FULL_ID_HEX);

function findById(database: Database, text: string): FoundImage | null {
  const prefix = ID_PATTERN.exec(text)?.[1];
  if (prefix === undefined) return null;
  const images = findImagesById(database, prefix);
  if (new Set(images.map((image) => image.configDigest)).size > 1) {
    throw new WinchError('IMAGE_AMBIGUOUS', `${images.length} images have an id that starts with ${prefix}`, {
      kind: 'invalid',
      hint: 'give more digits of the id',
    });
  }
  return images[0] ? {image: images[0], tag: null} : null;
}

function findByDigest(database: Database, reference: Reference, digest: Digest): FoundImage | null {
  const prefix = repositoryName(reference);
  const isOfRepository = (tag: TagRecord) => repositoryName(parseReference(tag.reference)) === prefix;
  const named = tagsOf(database, digest).find(isOfRepository);
  const tag = named ?? listTags(database).find((other) => other.targetDigest === digest && isOfRepository(other));
  const image = tag && findImage(database, named ? digest : tag.manifestDigest);
  return image ? {image, tag} : null;
}

function unknownImage(text: string, platform?: string): WinchError {
  const suffix = platform === undefined ? '' : ` for ${platform}`;
  const image = familiarText(text);
  return new WinchError('IMAGE_UNKNOWN', `image ${image} is not in the store${suffix}`, {
    kind: 'not-found',
    hint: 'pull it first, or list the images that are there',
    details: {image},
  });
}

const familiarText = (text: string): string => (ID_PATTERN.test(text) ? text : familiarReference(parseReference(text)));
