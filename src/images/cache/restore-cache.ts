import {isWinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import {type Digest, shortDigest} from '../../oci/digest.ts';
import {familiarReference, type Reference} from '../../oci/reference.ts';
import {findTag} from '../../store/tags.ts';
import type {ImageContext} from '../context.ts';
import {tagKey} from '../find-image.ts';
import {findPresent} from '../present-image.ts';
import {lockCache, openCache} from './cache-directory.ts';
import {type CachedImage, readCachedImages} from './cached-images.ts';
import {commitRestored, digestsOf, type ImageToRestore, readImage, restoreLayers} from './restore-images.ts';
import type {RestoredLayer} from './restore-layer.ts';

export interface RestoreCacheOptions extends CallOptions {
  /** Moves names that have another image in the store; absent: they stay, which is told. */
  readonly force?: boolean | undefined;
}

/**
 * - `restored`: it is in the store now
 * - `present`: it was there
 * - `kept`: the store has another image of this name
 * - `damaged`: some layer of it is damaged or missing in the cache; it is not in the store
 */
export type RestoreOutcome = 'restored' | 'present' | 'kept' | 'damaged';

export interface RestoredImage {
  /** As people write it. */
  readonly reference: string;
  /** What the name leads to. */
  readonly digest: string;
  readonly outcome: RestoreOutcome;
}

export interface RestoredCache {
  readonly images: readonly RestoredImage[];
  readonly restoredLayers: number;
  readonly presentLayers: number;
  /** Diff ids. */
  readonly damagedLayers: readonly string[];
  /** Read from the cache for layers. */
  readonly readBytes: number;
}

/**
 * Stores the images of a cache that {@link saveCache} wrote, ready to run. Layers that the store has are not read. The
 * compressed copies of the layers are not in the cache: they count as dropped, and are downloaded when a push or save
 * wants them.
 *
 * Nothing in the cache is believed: every document has its digest, every tar its diff id, and the file that is mounted is
 * made of the tar here. Documents are looked at before anything is stored. A damaged layer costs the images that have it
 * and nothing else. A directory that is not there is an empty cache, as a first job finds it.
 *
 * @throws {WinchError} `CACHE_UNUSABLE` | `CACHE_INVALID` | `DIGEST_MISMATCH` | `BLOB_UNKNOWN` | `FILE_UNUSABLE` |
 * `LIMIT_FILE` | `STORE_FULL` …: the store is as it was
 */
export async function restoreCache(
  context: ImageContext,
  directory: string,
  options: RestoreCacheOptions = {},
): Promise<RestoredCache> {
  const files = await openCache(directory);
  if (files === null) {
    warn(options, 'CACHE_EMPTY', `there is no cache in ${directory} yet`);
    return summary([], new Map());
  }
  using _lock = await lockCache(context, directory, {mode: 'shared', signal: options.signal});
  const planned = (await readCachedImages(files, options)).map((image) => plan(context, image, options));
  const wanted = planned.filter(({outcome}) => outcome === 'restored');
  if (wanted.length === 0) return summary(planned, new Map());
  using lease = await context.store.lease(options.signal);
  const images: ImageToRestore[] = [];
  for (const {image} of wanted) images.push(await readImage(files, image, options));
  await lease.claim(images.flatMap(digestsOf));
  const layers = await restoreLayers(context, {files, images}, options);
  const outcomes = new Map(planned.map(({image, outcome}) => [image, outcome]));
  for (const image of images) outcomes.set(image.image, await finish(context, {image, layers}, options));
  tellDamage(layers, options);
  return summary(
    planned.map(({image, outcome}) => ({image, outcome: outcomes.get(image) ?? outcome})),
    layers,
  );
}

interface PlannedImage {
  readonly image: CachedImage;
  readonly outcome: RestoreOutcome;
}

function plan({store}: ImageContext, image: CachedImage, options: RestoreCacheOptions): PlannedImage {
  const {reference, root} = image;
  const tag = store.read((database) => findTag(database, tagKey(reference)), null);
  if (tag === null || (tag.targetDigest !== root.digest && options.force)) return {image, outcome: 'restored'};
  if (tag.targetDigest === root.digest) {
    return {image, outcome: findPresent(store, reference, undefined)?.isMountable ? 'present' : 'restored'};
  }
  tellKept(reference, options);
  return {image, outcome: 'kept'};
}

interface UnpackedImage {
  readonly image: ImageToRestore;
  readonly layers: ReadonlyMap<Digest, RestoredLayer>;
}

async function finish(
  context: ImageContext,
  {image, layers}: UnpackedImage,
  options: RestoreCacheOptions,
): Promise<RestoreOutcome> {
  const {reference} = image.image;
  if (image.resolved.layers.some(({diffId}) => layers.get(diffId)?.outcome === 'damaged')) {
    warn(options, 'CACHE_DAMAGED', `${familiarReference(reference)} is not restored; a pull fetches it`);
    return 'damaged';
  }
  try {
    await commitRestored({...context, keepsTags: !options.force}, image, options);
    return 'restored';
  } catch (error) {
    if (!isWinchError(error, 'TAG_EXISTS')) throw error;
    tellKept(reference, options);
    return 'kept';
  }
}

const tellKept = (reference: Reference, options: CallOptions): void =>
  warn(
    options,
    'TAG_EXISTS',
    `${familiarReference(reference)} is another image in the store than in the cache, and stays`,
  );

function tellDamage(layers: ReadonlyMap<Digest, RestoredLayer>, options: CallOptions): void {
  for (const [diffId, layer] of layers) {
    if (layer.outcome !== 'damaged') continue;
    warn(options, 'CACHE_DAMAGED', `layer ${shortDigest(diffId)} is damaged: ${layer.error.message}`);
  }
}

function summary(images: readonly PlannedImage[], layers: ReadonlyMap<Digest, RestoredLayer>): RestoredCache {
  const ended = [...layers.values()];
  return {
    images: images.map(({image: {reference, root}, outcome}) => ({
      ...{reference: familiarReference(reference), digest: root.digest, outcome},
    })),
    restoredLayers: ended.filter(({outcome}) => outcome === 'restored').length,
    presentLayers: ended.filter(({outcome}) => outcome === 'present').length,
    damagedLayers: [...layers].filter(([, {outcome}]) => outcome === 'damaged').map(([diffId]) => diffId),
    readBytes: ended.reduce((sum, layer) => sum + (layer.outcome === 'restored' ? layer.bytes : 0), 0),
  };
}

const warn = ({onEvent}: CallOptions, code: string, message: string): void =>
  onEvent?.({type: 'warning:raised', code, message});
