import {WinchError} from '../errors.ts';
import type {Digest} from '../oci/digest.ts';
import {formatPlatform} from '../oci/platform.ts';
import {familiarReference, type Reference} from '../oci/reference.ts';
import type {Database} from '../store/database.ts';
import {dropBlobs, keepBlob, listDropped} from '../store/dropped-blobs.ts';
import {findLayerFile, recordImage} from '../store/image-records.ts';
import {type IndexPart, recordIndexParts} from '../store/index-parts.ts';
import {findTag, setTag} from '../store/tags.ts';
import type {ImageContext} from './context.ts';
import {tagKey} from './find-image.ts';
import {mergeMeanwhile} from './merged-index.ts';
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
}

/**
 * Records images whose bytes are all stored and sets the tag, in one transaction. Of the first one the layers get a
 * merged index, where they gain by it.
 *
 * @returns whether the tag now names something else than before
 * @throws {WinchError} `TAG_EXISTS`: it names another image, which the context keeps
 */
export const commitImages = (context: ImageContext, commit: ImagesToCommit): Promise<boolean> =>
  mergeMeanwhile(context, commit.images[0]?.layers ?? [], () => recordImages(context, commit));

const recordImages = ({store, now, keepsTags}: ImageContext, commit: ImagesToCommit): Promise<boolean> =>
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
    const key = tagKey(reference);
    if (keepsTags && (findTag(database, key)?.targetDigest ?? targetDigest) !== targetDigest)
      throw tagExists(reference);
    return setTag(database, {reference: key, targetDigest, manifestDigest}, now());
  });

const tagExists = (reference: Reference): WinchError =>
  new WinchError('TAG_EXISTS', `${familiarReference(reference)} has come to name another image meanwhile`, {
    kind: 'refused',
    hint: 'nothing was moved; give the stored image another name first',
  });

/**
 * A blob that was dropped and is there again is kept from now on. One that is not there beside its layer file was not
 * wanted, and counts as dropped: the mark by which a pull knew that may have gone with the last other image that had it.
 */
function markBlobs(
  database: Database,
  {store, now}: Pick<ImageContext, 'store' | 'now'>,
  {images}: Pick<ImagesToCommit, 'images'>,
): void {
  const dropped = new Set(listDropped(database).map(({digest}) => digest));
  for (const {blobDigest: digest, blobBytes: size, diffId} of images.flatMap(({layers}) => layers)) {
    const isThere = store.blobs.has({digest, size});
    if (isThere && dropped.has(digest)) keepBlob(database, digest);
    if (!isThere && findLayerFile(database, diffId) !== null) dropBlobs(database, [{digest, size}], now());
  }
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
