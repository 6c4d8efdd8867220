import {isWinchError, WinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import type {ContentSource} from '../../media/content.ts';
import type {Digest} from '../../oci/digest.ts';
import {parsePlatform} from '../../oci/platform.ts';
import {parseReference} from '../../oci/reference.ts';
import {findImage} from '../../store/image-records.ts';
import {findTag} from '../../store/tags.ts';
import type {ImageContext} from '../context.ts';
import {readGraph} from '../copy/content-graph.ts';
import {contentRegistry} from '../copy/content-registry.ts';
import {fetchImage} from '../fetch-image.ts';
import {tagKey} from '../find-image.ts';
import {holdLease} from '../hold-lease.ts';
import {type PulledImage, pullImage} from '../pull.ts';
import {recordImageEvents} from '../record-image-event.ts';
import {type ArchivedImage, listArchivedImages} from './archived-images.ts';
import {type ArchiveInput, openInput} from './open-input.ts';

export interface LoadOptions extends CallOptions {
  /** Only the images for this platform; absent: all of an index where the archive has all of it, else this machine's. */
  readonly platform?: string | undefined;
  /** Moves tags that name other images. */
  readonly force?: boolean | undefined;
}

export interface LoadedImage {
  /** As people write them; empty: the archive says none, and the image is known by its id. */
  readonly names: readonly string[];
  /** Of the index when there is one, else of the manifest. */
  readonly digest: string;
  readonly imageId: string;
}

/** For messages about an image that gets no tag. */
const UNNAMED = parseReference('unnamed');

/**
 * Stores every image of an OCI archive or layout, or of an archive of `docker save`, under all the names that it has
 * there. What the archive says is believed no more than what a registry says.
 *
 * Names are looked at before anything is stored, and again when they are set: one that has another image in the store is
 * refused. Blobs that are there already are not stored again.
 *
 * @throws {WinchError} `TAG_EXISTS` | `ARCHIVE_MISSING` | `ARCHIVE_INVALID` | `REFERENCE_INVALID` | as `pullImage`
 */
export async function loadImages(
  outer: ImageContext,
  input: ArchiveInput,
  options: LoadOptions = {},
): Promise<readonly LoadedImage[]> {
  if (options.platform !== undefined) parsePlatform(options.platform);
  using lease = await holdLease(outer, options.signal);
  const context = {...outer, lease};
  const files = await openInput(lease, input, options);
  try {
    const images = await listArchivedImages(files, options);
    const loaded: LoadedImage[] = [];
    for (const image of await planLoad(context, images, options)) loaded.push(await loadImage(context, image, options));
    recordImageEvents(
      context,
      loaded.map(({imageId: id, names: [name = id]}) => ({action: 'load', id, name})),
    );
    return loaded;
  } finally {
    await files.close();
  }
}

interface ImageToLoad extends ArchivedImage {
  /** Names that have the same image in the store already, by another manifest; they stay as they are. */
  readonly keptNames: readonly string[];
}

/** @throws {WinchError} `TAG_EXISTS` | `ARCHIVE_INVALID`: two images of one name */
async function planLoad(
  {store}: ImageContext,
  images: readonly ArchivedImage[],
  options: LoadOptions,
): Promise<readonly ImageToLoad[]> {
  const given = new Map<string, Digest>();
  const moved: string[] = [];
  const planned: ImageToLoad[] = [];
  for (const image of images) {
    const keptNames: string[] = [];
    const digest = await image.source.rootDigest(options);
    for (const name of image.names) {
      if ((given.get(name) ?? digest) !== digest) throw namedTwice(image.source.name, name);
      given.set(name, digest);
      const tag = store.read((database) => findTag(database, tagKey(parseReference(name))), null);
      if (tag === null || tag.targetDigest === digest || options.force) continue;
      const isSame = await isSameImage(store, tag.manifestDigest, image.source);
      (isSame ? keptNames : moved).push(name);
    }
    planned.push({...image, keptNames});
  }
  if (moved.length > 0) throw tagsExist(moved);
  return planned;
}

/** An archive of docker has no manifest: the one that is made for it may be another than the image once came with. */
async function isSameImage(store: ImageContext['store'], manifestDigest: Digest, source: ContentSource) {
  const {document} = await source.root({});
  const stored = store.read((database) => findImage(database, manifestDigest), null);
  return document.kind === 'manifest' && stored?.configDigest === document.config.digest;
}

async function loadImage(
  context: ImageContext,
  {source, names, keptNames}: ImageToLoad,
  {platform, force = false, signal, onEvent}: LoadOptions,
): Promise<LoadedImage> {
  const registry = contentRegistry(source);
  const from = {...context, keepsTags: !force, registry: async () => registry};
  const allPlatforms = platform === undefined && (await isWhole(source, {signal}));
  const options = {platform, allPlatforms, signal, onEvent};
  let pulled: PulledImage | null = null;
  for (const name of names) {
    const isKept = keptNames.includes(name);
    pulled = await pullImage(isKept ? context : from, name, isKept ? {...options, policy: 'never'} : options);
  }
  pulled ??= await fetchImage(from, {reference: UNNAMED, options, isUnnamed: true});
  return {names, digest: pulled.digest, imageId: pulled.imageId};
}

/** Whether all manifests that an index names are in the archive. */
async function isWhole(source: ContentSource, options: CallOptions): Promise<boolean> {
  const root = await source.root(options);
  if (root.document.kind === 'manifest') return false;
  try {
    await readGraph(source, {root, role: 'root'}, {...options, foreign: false});
    return true;
  } catch (error) {
    if (isWinchError(error) && error.kind === 'not-found') return false;
    throw error;
  }
}

const tagsExist = (names: readonly string[]): WinchError =>
  new WinchError('TAG_EXISTS', `${names.join(', ')} in the archive is another image than in the store`, {
    kind: 'refused',
    hint: 'nothing was loaded; give the stored image another name first',
    details: {names},
  });

const namedTwice = (archive: string, name: string): WinchError =>
  new WinchError('ARCHIVE_INVALID', `${archive} has two images of the name ${name}`, {
    kind: 'refused',
    hint: 'it is damaged, or was written by a broken tool',
  });
