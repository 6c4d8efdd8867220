import {familiarReference, familiarRepository, splitReference} from '../oci/reference.ts';
import {type ImageRecord, listImages} from '../store/image-records.ts';
import {type ImageSizes, readImageSizes} from '../store/image-sizes.ts';
import type {Store} from '../store/store.ts';
import {listTagsByImage, type TagRecord} from '../store/tags.ts';
import {readLabels} from './prune-filter.ts';

/** One row for each tag and platform that was stored of it, and one for each image without a tag. */
export interface ImageSummary {
  readonly imageId: string;
  readonly manifestDigest: string;
  /** What the tag names: the index when there is one, else the manifest. */
  readonly digest: string;
  /** As the user would write it; null for an untagged image. */
  readonly repository: string | null;
  /** Null for an image pulled by digest alone. */
  readonly tag: string | null;
  readonly reference: string | null;
  readonly platform: string;
  /** Whether the tag means this image where no platform is named; true for an untagged image. */
  readonly isChosen: boolean;
  /** ISO 8601 time of the image's config; null when it names none. */
  readonly created: string | null;
  /** Compressed bytes of manifest, config and layers. */
  readonly compressedBytes: number;
  /** Bytes of the unpacked layers, shared ones included; null while some layer is only downloaded. */
  readonly unpackedBytes: number | null;
  /** Of the image's config; absent unless asked for. */
  readonly labels?: Readonly<Record<string, string>>;
}

export interface ListImagesOptions {
  /** Whether the config of each image is read for its labels. */
  readonly hasLabels?: boolean | undefined;
}

/** Every stored image, newest first. */
export const listStoredImages = (store: Store, {hasLabels = false}: ListImagesOptions = {}): readonly ImageSummary[] =>
  store.read((database) => {
    const tagsByImage = listTagsByImage(database);
    const sizesByImage = readImageSizes(database);
    return listImages(database).flatMap((image) => {
      const sizes = sizesByImage.get(image.manifestDigest) ?? NO_LAYERS;
      const tags = tagsByImage.get(image.manifestDigest) ?? [null];
      const labels = hasLabels ? {labels: readLabels(store, image.configDigest) ?? {}} : {};
      return tags.map((tag) => ({...summary(image, tag, sizes), ...labels}));
    });
  }, []);

const NO_LAYERS: ImageSizes = {blobBytes: 0, unpackedBytes: 0};

function summary(image: ImageRecord, tag: TagRecord | null, sizes: ImageSizes): ImageSummary {
  const reference = tag && splitReference(tag.reference);
  return {
    imageId: image.configDigest,
    manifestDigest: image.manifestDigest,
    digest: tag?.targetDigest ?? image.manifestDigest,
    repository: reference && familiarRepository(reference),
    tag: reference?.tag ?? null,
    reference: reference && familiarReference(reference),
    platform: image.platform,
    isChosen: tag === null || tag.manifestDigest === image.manifestDigest,
    created: image.created,
    compressedBytes: image.manifestBytes + image.configBytes + sizes.blobBytes,
    unpackedBytes: sizes.unpackedBytes,
  };
}
