import type {Digest} from '../oci/digest.ts';
import {CONFIG_LIMIT_BYTES} from '../oci/image-config.ts';
import {MANIFEST_LIMIT_BYTES} from '../oci/manifest.ts';
import {familiarReference, familiarRepository, splitReference} from '../oci/reference.ts';
import type {Database} from '../store/database.ts';
import {findImage, type ImageRecord, listImages} from '../store/image-records.ts';
import type {Store} from '../store/store.ts';
import {listTagsByImage, type TagRecord, tagsOf} from '../store/tags.ts';
import {compressedTotal, describeLayers, type LayerDetails, unpackedTotal} from './describe-layers.ts';
import {requireStoredImage} from './find-image.ts';
import {readLineage} from './lineage.ts';

/** An image by its id and the tags that name it. */
export interface ImageName {
  readonly imageId: string;
  readonly references: readonly string[];
}

export interface ImageDetails extends ImageName {
  /** What the tag names: the index when there is one, else the manifest. */
  readonly digest: string;
  readonly manifestDigest: string;
  readonly mediaType: string;
  /** `repository@digest` of each reference. */
  readonly repositoryDigests: readonly string[];
  readonly platform: string;
  readonly created: string | null;
  readonly compressedBytes: number;
  /** Null while some layer is only downloaded. */
  readonly unpackedBytes: number | null;
  readonly layers: readonly LayerDetails[];
  /** The image whose whole chain of layers this one starts with. */
  readonly parent: ImageName | null;
  readonly children: readonly ImageName[];
  /** The manifest as received, parsed. */
  readonly manifest: unknown;
  /** The config as received, parsed. */
  readonly config: unknown;
}

export interface InspectOptions {
  /** Chooses among the images that were stored from an index; absent: the one that was pulled last. */
  readonly platform?: string | undefined;
}

/**
 * Everything the store knows of one image.
 *
 * @throws {WinchError} `IMAGE_UNKNOWN` | `IMAGE_AMBIGUOUS` | `BLOB_MISSING` | `STORE_CORRUPT`
 */
export function inspectImage(store: Store, text: string, {platform}: InspectOptions = {}): ImageDetails {
  const {image, tag} = requireStoredImage(store, text, platform);
  const stored = store.read((database) => describe(database, image), null);
  if (!stored) throw new Error('the store vanished between two reads');
  return {
    imageId: image.configDigest,
    digest: tag?.targetDigest ?? image.manifestDigest,
    manifestDigest: image.manifestDigest,
    mediaType: image.manifestType,
    platform: image.platform,
    created: image.created,
    ...stored,
    manifest: JSON.parse(store.blobs.read(image.manifestDigest, MANIFEST_LIMIT_BYTES).toString('utf8')),
    config: JSON.parse(store.blobs.read(image.configDigest, CONFIG_LIMIT_BYTES).toString('utf8')),
  };
}

function describe(database: Database, image: ImageRecord) {
  const tags = tagsOf(database, image.manifestDigest);
  const layers = describeLayers(database, image.manifestDigest);
  const {parent, children} = readLineage(database, image.manifestDigest);
  return {
    references: tags.map(familiarTag),
    repositoryDigests: [...new Set(tags.map(repositoryDigest))],
    compressedBytes: image.manifestBytes + image.configBytes + compressedTotal(layers),
    unpackedBytes: unpackedTotal(layers),
    layers,
    parent: parent && nameImage(database, parent),
    children: nameImages(database, children),
  };
}

/** The id and tags of a recorded image. */
export function nameImage(database: Database, manifestDigest: ImageRecord['manifestDigest']): ImageName {
  const image = findImage(database, manifestDigest);
  if (!image) throw new Error(`the graph names an image ${manifestDigest} that is not recorded`);
  return {imageId: image.configDigest, references: tagsOf(database, manifestDigest).map(familiarTag)};
}

/** From so many images on it takes less time to read the names of all. */
const MANY_IMAGES = 10;

function nameImages(database: Database, digests: readonly Digest[]): readonly ImageName[] {
  if (digests.length < MANY_IMAGES) return digests.map((digest) => nameImage(database, digest));
  const tags = listTagsByImage(database);
  const images = new Map(listImages(database).map((image) => [image.manifestDigest, image]));
  return digests.flatMap((digest) => {
    const image = images.get(digest);
    return image ? [{imageId: image.configDigest, references: (tags.get(digest) ?? []).map(familiarTag)}] : [];
  });
}

/** A tag as the user would write it. */
export const familiarTag = (tag: TagRecord): string => familiarReference(splitReference(tag.reference));

const repositoryDigest = (tag: TagRecord): string =>
  `${familiarRepository(splitReference(tag.reference))}@${tag.targetDigest}`;
