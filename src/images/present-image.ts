import {formatPlatform, parsePlatform, splitPlatform} from '../oci/platform.ts';
import type {Reference} from '../oci/reference.ts';
import type {Database} from '../store/database.ts';
import {findLayerFile, type ImageRecord, type LayerRecord, layersOf, listedLayersOf} from '../store/image-records.ts';
import type {Store} from '../store/store.ts';
import {type FoundImage, findByReference, findForPlatform} from './find-image.ts';

/** A stored image that needs no registry any more. */
export interface PresentImage extends FoundImage {
  /** Whether it can be mounted at once; if not, its blobs are there and its layer files are still to be written. */
  readonly isMountable: boolean;
  /** Whether it is for the very platform that was asked for, and not for one that runs there too. */
  readonly isExact: boolean;
}

/**
 * The stored image of a reference, if no byte of it is missing, for the platform that the caller asks for, if any.
 *
 * @throws {WinchError} `PLATFORM_INVALID`
 */
export const findPresent = (store: Store, reference: Reference, platform: string | undefined): PresentImage | null =>
  store.read((database) => {
    const named = findByReference(database, reference);
    const found = named && platform !== undefined ? findForPlatform(database, named, platform) : named;
    if (!found || !store.blobs.has({digest: found.image.configDigest, size: found.image.configBytes})) return null;
    const isMountable = isUnpacked(store, database, found.image);
    if (!isMountable && unwrittenLayers(store, database, found.image) === null) return null;
    return {...found, isMountable, isExact: platform === undefined || isFor(found.image, platform)};
  }, null);

/** The layers of an image whose files are still to be written from blobs; null when some blob is not there either. */
export function unwrittenLayers(store: Store, database: Database, image: ImageRecord): readonly LayerRecord[] | null {
  const unwritten = listedLayersOf(database, image.manifestDigest).filter(({diffId}) => {
    const file = findLayerFile(database, diffId);
    return file === null || !store.layers.has(diffId, file.fileBytes);
  });
  const hasBlob = ({blobDigest, blobBytes}: LayerRecord) => store.blobs.has({digest: blobDigest, size: blobBytes});
  return unwritten.every(hasBlob) ? unwritten : null;
}

/** Whether an image can be mounted at once. */
export function isUnpacked(store: Store, database: Database, image: ImageRecord): boolean {
  const layers = layersOf(database, image.manifestDigest);
  return (
    layers.length === image.layerCount && layers.every(({diffId, fileBytes}) => store.layers.has(diffId, fileBytes))
  );
}

const isFor = (image: ImageRecord, platform: string): boolean =>
  formatPlatform(splitPlatform(image.platform)) === formatPlatform(parsePlatform(platform));
