import {isWinchError, WinchError} from '../errors.ts';
import type {Digest} from '../oci/digest.ts';
import {formatPlatform, parsePlatform} from '../oci/platform.ts';
import {familiarReference, formatReference, parseReference, type Reference, repositoryName} from '../oci/reference.ts';
import type {Database} from '../store/database.ts';
import {findImage, findImagesById, type ImageRecord, layersOf} from '../store/image-records.ts';
import type {Store} from '../store/store.ts';
import {findTag, listTags, type TagRecord} from '../store/tags.ts';

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
 * @throws {WinchError} `IMAGE_UNKNOWN` | `IMAGE_AMBIGUOUS` | `REFERENCE_INVALID`
 */
export function requireImage(database: Database, text: string): FoundImage {
  const found = findByName(database, text) ?? findById(database, text);
  if (found) return found;
  throw unknownImage(text);
}

/** As {@link requireImage}, for a store that may not exist yet. */
export const requireStoredImage = (store: Store, text: string): FoundImage => {
  const found = store.read<FoundImage | null>((database) => requireImage(database, text), null);
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
  const tag = findTag(database, tagKey(reference)) ?? findByDigest(database, reference);
  const image = tag && findImage(database, tag.manifestDigest);
  return image ? {image, tag} : null;
}

/** Whether every byte that the image needs is in its place. */
function isComplete(store: Store, image: ImageRecord): boolean {
  const layers = store.read((database) => layersOf(database, image.manifestDigest), []);
  return (
    layers.length === image.layerCount &&
    store.blobs.has({digest: image.configDigest, size: image.configBytes}) &&
    layers.every((layer) => store.layers.has(layer.diffId, layer.fileBytes))
  );
}

/** The stored image of a reference, if it is whole and for the platform that the caller asks for, if any. */
export function findPresent(store: Store, reference: Reference, platform: string | undefined): FoundImage | null {
  const found = store.read((database) => findByReference(database, reference), null);
  if (!found || !isComplete(store, found.image)) return null;
  if (platform === undefined) return found;
  return formatPlatform(parsePlatform(found.image.platform)) === formatPlatform(parsePlatform(platform)) ? found : null;
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

function findByDigest(database: Database, reference: Reference): TagRecord | null {
  const {digest} = reference;
  if (!digest) return null;
  const prefix = repositoryName(reference);
  const names = (tag: TagRecord): readonly Digest[] => [tag.targetDigest, tag.manifestDigest];
  const isOfRepository = (tag: TagRecord) => repositoryName(parseReference(tag.reference)) === prefix;
  return listTags(database).find((tag) => names(tag).includes(digest) && isOfRepository(tag)) ?? null;
}

const unknownImage = (text: string) =>
  new WinchError('IMAGE_UNKNOWN', `image ${familiarText(text)} is not in the store`, {
    kind: 'not-found',
    hint: 'pull it first, or list the images that are there',
  });

const familiarText = (text: string): string => (ID_PATTERN.test(text) ? text : familiarReference(parseReference(text)));
