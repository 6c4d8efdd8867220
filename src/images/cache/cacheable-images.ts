import {isWinchError, WinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import type {ContentSource} from '../../media/content.ts';
import type {Descriptor} from '../../oci/descriptor.ts';
import type {Digest} from '../../oci/digest.ts';
import {splitPlatform} from '../../oci/platform.ts';
import {familiarReference, parseReference, type Reference} from '../../oci/reference.ts';
import {type ImageRecord, layersOf, type StoredLayer} from '../../store/image-records.ts';
import type {Store} from '../../store/store.ts';
import {listTags, type TagRecord} from '../../store/tags.ts';
import type {ImageContext} from '../context.ts';
import {contentRegistry} from '../copy/content-registry.ts';
import {readBlob, readStored} from '../copy/store-source.ts';
import {requireStoredImage} from '../find-image.ts';
import {claimImage} from '../hold-lease.ts';
import {isUnpacked} from '../present-image.ts';
import {type Document, resolveImage} from '../resolve-image.ts';
import {unpackImage} from '../unpack-image.ts';

/** A stored image as it goes into a cache. */
export interface CacheableImage {
  /** Whole: `registry/repository:tag`. */
  readonly name: string;
  /** What the name leads to. */
  readonly root: Pick<Descriptor, 'mediaType' | 'digest' | 'size'>;
  readonly platform: string;
  /** Index, manifest and config. */
  readonly documents: readonly Document[];
  /** Base first; their files are there. */
  readonly layers: readonly StoredLayer[];
  /** Of their tars. */
  readonly layerBytes: readonly number[];
}

/**
 * The images that these names stand for, each name once; those of all tags when none is given. They stay as long as the
 * context's lease.
 *
 * @throws {WinchError} `IMAGE_UNKNOWN` | `IMAGE_UNNAMED` | `BLOB_MISSING` | `STORE_CORRUPT`
 */
export async function cacheableImages(
  context: ImageContext,
  names: readonly string[],
  options: CallOptions,
): Promise<readonly CacheableImage[]> {
  const {store} = context;
  const given = names.length > 0 ? names : store.read(listTags, []).map(({reference}) => reference);
  const images = new Map<string, CacheableImage>();
  for (const text of given) {
    const image = await readImage(context, text, options);
    images.set(image.name, image);
  }
  return [...images.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

async function readImage(context: ImageContext, text: string, options: CallOptions): Promise<CacheableImage> {
  const {store} = context;
  const {image, tag} = await claimImage(context, () => requireStoredImage(store, text));
  if (tag === null) throw unnamed(text);
  const reference = parseReference(tag.reference);
  if (!store.read((database) => isUnpacked(store, database, image), false)) {
    await unpackImage(context, {name: familiarReference(reference), image}, options);
  }
  const {rootDigest, documents} = await readDocuments(context, {reference, tag, image}, options);
  const {descriptor} = readStored(store, {digest: rootDigest});
  const layers = store.read((database) => layersOf(database, image.manifestDigest), []);
  return {
    ...{name: tag.reference, root: descriptor, platform: image.platform, documents, layers},
    layerBytes: layers.map(({tarBytes}) => tarBytes),
  };
}

interface NamedImage {
  readonly reference: Reference;
  readonly tag: TagRecord;
  readonly image: ImageRecord;
}

/** An image that its index does not lead to by its platform stands for itself. */
async function readDocuments({store}: ImageContext, {reference, tag, image}: NamedImage, options: CallOptions) {
  const platform = splitPlatform(image.platform);
  for (const rootDigest of [tag.targetDigest, image.manifestDigest]) {
    const registry = contentRegistry(storedContent(store, rootDigest));
    try {
      const {documents, manifestDigest} = await resolveImage(
        registry,
        {reference: {...reference, digest: rootDigest}, platform},
        options,
      );
      if (manifestDigest === image.manifestDigest) return {rootDigest, documents};
    } catch (error) {
      if (!isWinchError(error, 'PLATFORM_MISSING')) throw error;
    }
  }
  throw new Error(`the manifest ${image.manifestDigest} does not lead to itself`);
}

const storedContent = (store: Store, rootDigest: Digest): ContentSource => ({
  name: 'the store',
  rootDigest: async () => rootDigest,
  root: async () => readStored(store, {digest: rootDigest}),
  document: async (wanted) => readStored(store, wanted),
  blob: (descriptor) => ({open: (offset, call) => readBlob(store, {descriptor, offset}, call)}),
  blobFile: () => null,
  referrers: async () => [],
  repositories: [],
  close: async () => {},
});

const unnamed = (text: string): WinchError =>
  new WinchError('IMAGE_UNNAMED', `the image ${text} has no name under which it could be restored`, {
    kind: 'invalid',
    hint: 'tag it first',
  });
