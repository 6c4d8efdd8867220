import {type ErrorKind, isWinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import type {Digest} from '../../oci/digest.ts';
import {bestMatch} from '../../oci/platform.ts';
import {formatReference, parseReference, type Reference} from '../../oci/reference.ts';
import {findLayerFile} from '../../store/image-records.ts';
import type {Store} from '../../store/store.ts';
import {commitImages} from '../commit-images.ts';
import type {ImageContext} from '../context.ts';
import {contentRegistry} from '../copy/content-registry.ts';
import {readBlob, readStored} from '../copy/store-source.ts';
import {type ImageToRecord, resolveManifest} from '../resolve-image.ts';
import type {LostImage} from './choose-tags.ts';
import {collectMembers, type StoredManifest} from './collect-members.ts';

/** What says that the blobs do not have all of an image. */
const LOST: readonly ErrorKind[] = ['refused', 'corrupt', 'not-found'];
/** For messages about images that have no name. */
const UNNAMED = 'localhost/recovered';

/**
 * Records an image as a pull of what is stored would: of an index all images of which every byte is stored, and the one
 * that was chosen.
 *
 * @returns whether enough of it is there: its manifest and its config
 */
export async function recordAgain(context: ImageContext, image: LostImage, options: CallOptions): Promise<boolean> {
  const {store} = context;
  const {targetDigest, updatedAt} = image;
  const reference = image.reference === null ? null : parseReference(image.reference);
  const {images: manifests, parts} = collectMembers(store, targetDigest);
  const images = await resolveAll(context, {manifests, reference}, options);
  const chosen = choose(context, image, images);
  if (chosen === null) return false;
  const others = images.filter((other) => other !== chosen && isStored(store, other));
  const storing = {...context, now: () => updatedAt ?? context.now()};
  await commitImages(storing, {reference, targetDigest, images: [chosen, ...others], parts});
  return true;
}

interface Manifests {
  readonly manifests: readonly StoredManifest[];
  readonly reference: Reference | null;
}

async function resolveAll(
  {store}: ImageContext,
  {manifests, reference}: Manifests,
  options: CallOptions,
): Promise<readonly ImageToRecord[]> {
  const images: ImageToRecord[] = [];
  for (const found of manifests) {
    options.signal?.throwIfAborted();
    try {
      const name = reference ?? parseReference(`${UNNAMED}@${found.digest}`);
      images.push(await resolveManifest(registryOf(store, name, found.digest), {reference: name, ...found}, options));
    } catch (error) {
      if (!isWinchError(error) || !LOST.includes(error.kind)) throw error;
    }
  }
  return images;
}

const registryOf = (store: Store, reference: Reference, digest: Digest) =>
  contentRegistry({
    name: formatReference(reference),
    rootDigest: async () => digest,
    root: async () => readStored(store, {digest}),
    document: async (wanted) => readStored(store, wanted),
    blob: (descriptor) => ({open: (offset, call) => readBlob(store, {descriptor, offset}, call)}),
    blobFile: (digest) => store.blobs.path(digest),
    referrers: async () => [],
    repositories: [],
    close: async () => {},
  });

function choose({hostPlatform}: ImageContext, {manifestDigest}: LostImage, images: readonly ImageToRecord[]) {
  if (manifestDigest !== null) return images.find((image) => image.manifestDigest === manifestDigest) ?? null;
  return bestMatch(images, hostPlatform, ({platform}) => platform) ?? images[0] ?? null;
}

const isStored = (store: Store, {layers}: ImageToRecord): boolean =>
  layers.every(
    ({blobDigest: digest, blobBytes: size, diffId}) =>
      store.blobs.has({digest, size}) || store.read((database) => findLayerFile(database, diffId) !== null, false),
  );
