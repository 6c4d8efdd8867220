import type {Digest} from '../oci/digest.ts';
import {formatPlatform} from '../oci/platform.ts';
import type {Reference} from '../oci/reference.ts';
import type {BlobDescriptor} from '../store/blobs.ts';
import type {Database} from '../store/database.ts';
import {dropBlobs, keepBlob, listDropped} from '../store/dropped-blobs.ts';
import {recordImage} from '../store/image-records.ts';
import {type IndexPart, recordIndexParts} from '../store/index-parts.ts';
import {setTag} from '../store/tags.ts';
import type {ImageContext} from './context.ts';
import {tagKey} from './find-image.ts';
import type {ImageToRecord} from './resolve-image.ts';

export interface ImagesToCommit {
  /** Null: no tag is set. */
  readonly reference: Reference | null;
  /** Of the index when there is one, else of the manifest. */
  readonly targetDigest: Digest;
  /** All that were stored, the one that the tag chooses first. */
  readonly images: readonly ImageToRecord[];
  /** What else of the index was stored. */
  readonly parts: readonly IndexPart[];
  /** Whether blobs of layers that are not there count as dropped: their layer files are there. */
  readonly dropsBlobs?: boolean;
}

/**
 * Records images whose bytes are all stored and sets the tag, in one transaction.
 *
 * @returns whether the tag now names something else than before
 */
export const commitImages = ({store, now}: ImageContext, commit: ImagesToCommit): Promise<boolean> =>
  store.write((database) => {
    const {reference, targetDigest, images, parts} = commit;
    const [chosen] = images;
    if (!chosen) throw new Error('there is no image to commit');
    for (const image of images) recordImage(database, {...imageRecord(image), storedAt: now()}, image.layers);
    markBlobs(database, {store, now}, commit);
    if (reference === null) return true;
    const isIndex = targetDigest !== chosen.manifestDigest;
    if (isIndex) {
      const members = images.map(({manifestDigest}) => ({digest: manifestDigest, kind: 'image'}) as const);
      recordIndexParts(database, targetDigest, [...members, ...parts]);
    }
    const {manifestDigest} = chosen;
    return setTag(database, {reference: tagKey(reference), targetDigest, manifestDigest}, now());
  });

/** A blob that was dropped and is there again is kept from now on. */
function markBlobs(
  database: Database,
  {store, now}: Pick<ImageContext, 'store' | 'now'>,
  commit: ImagesToCommit,
): void {
  const layers = commit.images.flatMap((image) => image.layers);
  const blobs = new Map(layers.map(({blobDigest, blobBytes}) => [blobDigest, {digest: blobDigest, size: blobBytes}]));
  const isBack = (blob: BlobDescriptor) => blobs.has(blob.digest) && store.blobs.has(blob);
  for (const {digest} of listDropped(database).filter(isBack)) keepBlob(database, digest);
  if (!commit.dropsBlobs) return;
  const missing = [...blobs.values()].filter((blob) => !store.blobs.has(blob));
  dropBlobs(database, missing, now());
}

const imageRecord = ({manifest, manifestDigest, manifestBytes, platform, created, layers}: ImageToRecord) => ({
  manifestDigest,
  manifestType: manifest.mediaType,
  manifestBytes,
  configDigest: manifest.config.digest,
  configBytes: manifest.config.size,
  platform: formatPlatform(platform),
  created,
  chainId: layers.at(-1)?.chainId ?? null,
  layerCount: layers.length,
});
