import {basename} from 'node:path';
import {type ErrorKind, isWinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import type {ContentSource} from '../../media/content.ts';
import {type Digest, isDigest} from '../../oci/digest.ts';
import {CONFIG_LIMIT_BYTES, parseImageConfig} from '../../oci/image-config.ts';
import {MANIFEST_LIMIT_BYTES, type Manifest} from '../../oci/manifest.ts';
import {artifactTypeOf} from '../../oci/media-types.ts';
import {formatPlatform, normalizePlatform} from '../../oci/platform.ts';
import {findFiles, statFile} from '../../store/found-files.ts';
import {setDatabaseAside} from '../../store/set-aside.ts';
import type {Store} from '../../store/store.ts';
import {listTags} from '../../store/tags.ts';
import type {ImageContext} from '../context.ts';
import {copyIntoStore} from '../copy/copy-into-store.ts';
import {readBlob, readStored} from '../copy/store-source.ts';

/** An image that the blobs still have, and the name that it gets. */
interface LostImage {
  readonly name: string;
  /** What the name leads to. */
  readonly targetDigest: Digest;
  readonly manifestDigest: Digest;
}

/** Where images go whose names nobody knows any more. */
const NAMELESS = 'localhost/recovered';

/** What says that the blobs do not have all of an image. */
const LOST: readonly ErrorKind[] = ['refused', 'corrupt', 'not-found'];

/**
 * Puts a new database in the place of a damaged or missing one and records in it what the blobs hold, as if it were
 * pulled from there; the caller holds a lease, so nothing is collected meanwhile.
 *
 * Tags are those that can still be read. Images without one are named `localhost/recovered@digest` when no tag at all
 * could be read.
 *
 * @returns what was done, one line for people
 */
export async function rebuildDatabase(context: ImageContext, options: CallOptions): Promise<string> {
  const {store} = context;
  const tags = readTags(store);
  const images = tags ?? findImages(store);
  store.close();
  const kept = statFile(store.paths.database) === null ? null : basename(await setDatabaseAside(store.paths));
  await store.write(() => {});
  const lost: string[] = [];
  for (const image of images) {
    if (!(await recordAgain(context, image, options))) lost.push(image.name);
  }
  return [
    `rebuilt from the blobs with ${images.length - lost.length} ${tags ? 'tags' : 'images, whose tags are not known'}`,
    ...(kept === null ? [] : [`the old one is ${kept}`]),
    ...(lost.length > 0 ? [`to be pulled again: ${lost.join(', ')}`] : []),
  ].join('; ');
}

/** Null: they cannot be read. */
function readTags(store: Store): readonly LostImage[] | null {
  try {
    return store.read<readonly LostImage[] | null>((database) => {
      const tags = listTags(database);
      const isWhole = tags.every(
        ({targetDigest, manifestDigest}) => isDigest(targetDigest) && isDigest(manifestDigest),
      );
      return isWhole ? tags.map(({reference, ...digests}) => ({name: reference, ...digests})) : null;
    }, null);
  } catch (error) {
    if (isWinchError(error)) return null;
    throw error;
  }
}

function findImages(store: Store): readonly LostImage[] {
  return findFiles(store.paths).blobs.flatMap((digest) => {
    if ((statFile(store.paths.blob(digest))?.size ?? 0) > MANIFEST_LIMIT_BYTES) return [];
    const manifest = readManifest(store, digest);
    if (manifest === null || artifactTypeOf(manifest) !== null) return [];
    return [{name: `${NAMELESS}@${digest}`, targetDigest: digest, manifestDigest: digest}];
  });
}

/** Null: it is none, or damaged. */
function readManifest(store: Store, digest: Digest): Manifest | null {
  try {
    const {document} = readStored(store, {digest});
    return document.kind === 'manifest' ? document : null;
  } catch (error) {
    if (isWinchError(error) && error.kind !== 'storage') return null;
    throw error;
  }
}

/** All of an index when all of it is here, else the image that its tag had chosen. */
async function recordAgain(context: ImageContext, image: LostImage, options: CallOptions): Promise<boolean> {
  const {store} = context;
  const isIndex = image.targetDigest !== image.manifestDigest;
  for (const allPlatforms of isIndex ? [true, false] : [false]) {
    try {
      const platform = readPlatform(store, image.manifestDigest);
      await copyIntoStore(
        context,
        {source: sourceOf(store, image), name: image.name},
        {...options, platform, allPlatforms},
      );
      return true;
    } catch (error) {
      options.signal?.throwIfAborted();
      if (!isWinchError(error) || !LOST.includes(error.kind)) throw error;
    }
  }
  return false;
}

function readPlatform(store: Store, manifestDigest: Digest): string | undefined {
  const manifest = readManifest(store, manifestDigest);
  if (manifest === null) return undefined;
  const bytes = store.blobs.read(manifest.config.digest, CONFIG_LIMIT_BYTES);
  const {os, architecture, variant} = parseImageConfig(bytes, {where: `config of ${manifestDigest}`});
  return formatPlatform(normalizePlatform({os, architecture, ...(variant !== undefined && {variant})}));
}

const sourceOf = (store: Store, {name, targetDigest}: LostImage): ContentSource => ({
  name,
  rootDigest: async () => targetDigest,
  root: async () => readStored(store, {digest: targetDigest}),
  document: async (wanted) => readStored(store, wanted),
  blob: (descriptor) => ({open: (offset, call) => readBlob(store, {descriptor, offset}, call)}),
  blobFile: (digest) => store.blobs.path(digest),
  referrers: async () => [],
  repositories: [],
  close: async () => {},
});
