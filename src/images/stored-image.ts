import {isWinchError, WinchError} from '../errors.ts';
import type {CallOptions} from '../events.ts';
import type {Digest} from '../oci/digest.ts';
import {CONFIG_LIMIT_BYTES, type ImageConfig, parseImageConfig} from '../oci/image-config.ts';
import type {SnapshotLayer} from '../snapshots/snapshotter.ts';
import {type ImageRecord, layersOf, type StoredLayer} from '../store/image-records.ts';
import {noteUse} from '../store/last-use.ts';
import type {Store} from '../store/store.ts';
import type {ImageContext} from './context.ts';
import {isStoredId, requireStoredImage} from './find-image.ts';
import {claimImage} from './hold-lease.ts';
import type {PullPolicy} from './pull.ts';
import type {UnpackTarget} from './unpack-image.ts';

/** A layer whose file is there. */
export interface MountableLayer extends SnapshotLayer {
  readonly diffId: Digest;
  /** Of this layer on those below. */
  readonly chainId: Digest;
  readonly fileBytes: number;
}

/** An image ready to be mounted. */
export interface StoredImage {
  readonly imageId: string;
  readonly config: ImageConfig;
  /** Base first. */
  readonly layers: readonly MountableLayer[];
}

export interface ImageRequest {
  /** A reference, or the id of a stored image. */
  readonly image: string;
  readonly platform?: string | undefined;
  /** Absent: `missing`. An id is never asked for at a registry. */
  readonly policy?: PullPolicy | undefined;
}

/** It may be pulled, and be removed by a prune before it is claimed. */
const ATTEMPTS = 3;

/**
 * The stored image that a request names, pulled by its policy. The context's lease keeps it.
 *
 * @throws {WinchError} as `pullImage` | `IMAGE_AMBIGUOUS` | `STORE_CORRUPT`
 */
export async function ensureImage(
  context: ImageContext,
  request: ImageRequest,
  options: CallOptions,
): Promise<StoredImage> {
  const {store} = context;
  const {image, layers} = await findOrPull(context, request, options);
  const where = `config of ${request.image}`;
  noteUse(store.paths, image.manifestDigest, context.now());
  return {
    imageId: image.configDigest,
    config: parseImageConfig(store.blobs.read(image.configDigest, CONFIG_LIMIT_BYTES), {where}),
    layers: layers.map(({diffId, chainId, fileBytes, whiteouts, directories}) => ({
      path: store.layers.path(diffId),
      diffId,
      chainId,
      fileBytes,
      whiteouts,
      directories,
    })),
  };
}

interface UnpackedImage {
  readonly image: ImageRecord;
  readonly layers: readonly StoredLayer[];
}

/** All layers are looked at once, after the claim: an image that is there is asked for by no other way. */
async function findOrPull(context: ImageContext, request: ImageRequest, options: CallOptions): Promise<UnpackedImage> {
  const {store} = context;
  const {policy = 'missing'} = request;
  const isById = isStoredId(store, request.image);
  if (!isById && (policy === 'always' || policy === 'newer')) await pull(context, request, options);
  for (let attempt = 1; ; attempt += 1) {
    const image = await claimStored(context, {...request, isNeeded: isById || attempt === ATTEMPTS});
    const layers = image && (isById || hasConfig(store, image)) ? findLayers(store, image) : null;
    if (image && layers) return {image, layers};
    if (attempt === ATTEMPTS) throw removedMeanwhile(request.image);
    // An id goes by no policy, and may be that of an image whose blobs alone are here.
    if (image && isById) await unpack(context, {name: request.image, image}, options);
    else await pull(context, request, options);
  }
}

/** @returns null for none, unless it is needed */
async function claimStored(
  context: ImageContext,
  {image, platform, isNeeded}: ImageRequest & {readonly isNeeded: boolean},
): Promise<ImageRecord | null> {
  try {
    return (await claimImage(context, () => requireStoredImage(context.store, image, platform))).image;
  } catch (error) {
    if (isNeeded || !isWinchError(error, 'IMAGE_UNKNOWN')) throw error;
    return null;
  }
}

const hasConfig = (store: Store, {configDigest: digest, configBytes: size}: ImageRecord): boolean =>
  store.blobs.has({digest, size});

/** Null: some of its files are not there. */
function findLayers(store: Store, {manifestDigest, layerCount}: ImageRecord): readonly StoredLayer[] | null {
  const layers = store.read((database) => layersOf(database, manifestDigest), []);
  const isThere = ({diffId, fileBytes}: StoredLayer) => store.layers.has(diffId, fileBytes);
  return layers.length === layerCount && layers.every(isThere) ? layers : null;
}

async function pull(context: ImageContext, {image, platform, policy = 'missing'}: ImageRequest, options: CallOptions) {
  // The registry's client and all it needs cost more to load than a present image to start.
  const {pullFromRegistry} = await import('./pull-from-registry.ts');
  await pullFromRegistry(context, image, {...options, platform, policy});
}

async function unpack(context: ImageContext, target: UnpackTarget, options: CallOptions): Promise<void> {
  const {unpackImage} = await import('./unpack-image.ts');
  await unpackImage(context, target, options);
}

const removedMeanwhile = (image: string): WinchError =>
  new WinchError('IMAGE_UNKNOWN', `image ${image} was removed meanwhile`, {kind: 'not-found', hint: 'pull it again'});
