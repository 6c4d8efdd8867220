import {isWinchError, WinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import type {ContentSource} from '../../media/content.ts';
import type {FileSet} from '../../media/file-set.ts';
import {nameOf, readLayoutIndex} from '../../media/layout-index.ts';
import {openLayoutSource} from '../../media/layout-source.ts';
import type {Descriptor} from '../../oci/descriptor.ts';
import {NAME_ANNOTATION} from '../../oci/image-layout.ts';
import {isIndexType, isManifestType, OCI_INDEX} from '../../oci/media-types.ts';
import {type Platform, splitPlatform} from '../../oci/platform.ts';
import {parseReference, type Reference} from '../../oci/reference.ts';

/** Which image of an index is in the cache. */
const PLATFORM_ANNOTATION = 'winch.platform';
/** How large its layers are without compression, base first. */
const SIZES_ANNOTATION = 'winch.layer-bytes';

/** An image of a cache, as its index lists it. */
export interface CachedImage {
  readonly reference: Reference;
  /** Of the index when there is one, else of the manifest. */
  readonly root: Descriptor;
  readonly platform: Platform;
  /** What the tar of each layer may have at most, base first; space for it is there before anything is unpacked. */
  readonly layerBytes: readonly number[];
  /** Its place in the index. */
  readonly position: number;
}

export interface ImageToList {
  /** Whole: `registry/repository:tag`. */
  readonly name: string;
  readonly root: Pick<Descriptor, 'mediaType' | 'digest' | 'size'>;
  readonly platform: string;
  readonly layerBytes: readonly number[];
}

/** The bytes of the index of these images, which tools for OCI layouts read as well. */
export function encodeIndex(images: readonly ImageToList[]): Buffer {
  const manifests = images.map(({name, platform, layerBytes, root: {mediaType, digest, size}}) => ({
    ...{mediaType, digest, size},
    annotations: {[NAME_ANNOTATION]: name, [PLATFORM_ANNOTATION]: platform, [SIZES_ANNOTATION]: layerBytes.join(' ')},
  }));
  return Buffer.from(JSON.stringify({schemaVersion: 2, mediaType: OCI_INDEX, manifests}));
}

/** What {@link encodeIndex} was given, as far as it is still so. */
export const listedImages = async (files: FileSet, {signal}: CallOptions): Promise<readonly ImageToList[]> =>
  ((await readLayoutIndex(files, signal))?.manifests ?? []).map((entry) => ({
    name: nameOf(entry) ?? '',
    root: entry,
    platform: entry.annotations?.[PLATFORM_ANNOTATION] ?? '',
    layerBytes: readSizes(entry.annotations?.[SIZES_ANNOTATION] ?? ''),
  }));

/**
 * The images of a cache, each name once.
 *
 * @throws {WinchError} `CACHE_INVALID` | as `readLayoutIndex`
 */
export async function readCachedImages(files: FileSet, options: CallOptions): Promise<readonly CachedImage[]> {
  const images = (await listedImages(files, options)).map(
    ({name, root, platform, layerBytes}, position): CachedImage => {
      if (!layerBytes.every(Number.isSafeInteger)) throw cacheInvalid(files.name, 'a layer has no size');
      if (!isManifestType(root.mediaType) && !isIndexType(root.mediaType))
        throw cacheInvalid(files.name, 'one is no image');
      try {
        return {reference: parseReference(name), platform: splitPlatform(platform), root, layerBytes, position};
      } catch (error) {
        throw isWinchError(error) ? cacheInvalid(files.name, error.message, error) : error;
      }
    },
  );
  const twice = images.find(({reference}, at) => images.findIndex((other) => isSame(other.reference, reference)) < at);
  if (twice) throw cacheInvalid(files.name, `it has two images of the name ${twice.reference.repository}`);
  return images;
}

/** One image of a cache; its documents are verified as they are read. */
export const openCachedImage = (
  files: FileSet,
  {position}: CachedImage,
  options: CallOptions,
): Promise<ContentSource> =>
  openLayoutSource({name: files.name, files, selection: {by: 'position', position}}, options);

const readSizes = (text: string): readonly number[] =>
  text === '' ? [] : text.split(' ').map((size) => (/^\d{1,15}$/.test(size) ? Number(size) : Number.NaN));

const isSame = (a: Reference, b: Reference): boolean => JSON.stringify(a) === JSON.stringify(b);

export const cacheInvalid = (cache: string, fault: string, cause?: unknown): WinchError =>
  new WinchError('CACHE_INVALID', `the list of images in the cache ${cache} is wrong: ${fault}`, {
    kind: 'refused',
    hint: 'it is damaged, or somebody has changed it; remove it, and save it anew',
    ...(cause !== undefined && {cause}),
  });
