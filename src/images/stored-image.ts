import {isWinchError, WinchError} from '../errors.ts';
import type {CallOptions} from '../events.ts';
import type {Digest} from '../oci/digest.ts';
import {CONFIG_LIMIT_BYTES, type ImageConfig, parseImageConfig} from '../oci/image-config.ts';
import {parseReference} from '../oci/reference.ts';
import type {SnapshotLayer} from '../snapshots/snapshotter.ts';
import {type ImageRecord, layersOf} from '../store/image-records.ts';
import {noteUse} from '../store/last-use.ts';
import type {Store} from '../store/store.ts';
import type {ImageContext} from './context.ts';
import {isStoredId, requireStoredImage} from './find-image.ts';
import {claimImage} from './hold-lease.ts';
import {findPresent, isUnpacked} from './present-image.ts';
import type {PullPolicy} from './pull.ts';

/** A layer whose file is there. */
export interface MountableLayer extends SnapshotLayer {
  readonly diffId: Digest;
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
  const image = await findOrPull(context, request, options);
  // An id goes by no policy, and may be that of an image whose blobs alone are here.
  if (!store.read((database) => isUnpacked(store, database, image), false)) {
    const {unpackImage} = await import('./unpack-image.ts');
    await unpackImage(context, {name: request.image, image}, options);
  }
  const layers = store.read((database) => layersOf(database, image.manifestDigest), []);
  if (layers.length !== image.layerCount) throw removedMeanwhile(request.image);
  const where = `config of ${request.image}`;
  noteUse(store.paths, image.manifestDigest, context.now());
  return {
    imageId: image.configDigest,
    config: parseImageConfig(store.blobs.read(image.configDigest, CONFIG_LIMIT_BYTES), {where}),
    layers: layers.map(({diffId, fileBytes, whiteouts, directories}) => ({
      path: store.layers.path(diffId),
      diffId,
      fileBytes,
      whiteouts,
      directories,
    })),
  };
}

async function findOrPull(context: ImageContext, request: ImageRequest, options: CallOptions): Promise<ImageRecord> {
  const {store} = context;
  const {platform, policy = 'missing'} = request;
  for (let isFirst = true; ; isFirst = false) {
    if (needsPull(store, request)) {
      // The registry's client and all it needs cost more to load than a present image to start.
      const {pullFromRegistry} = await import('./pull-from-registry.ts');
      await pullFromRegistry(context, request.image, {...options, platform, policy});
    }
    try {
      return (await claimImage(context, () => requireStoredImage(store, request.image, platform))).image;
    } catch (error) {
      // It was there a moment ago, and a prune has come in between.
      if (!isFirst || policy === 'never' || !isWinchError(error, 'IMAGE_UNKNOWN')) throw error;
    }
  }
}

const removedMeanwhile = (image: string): WinchError =>
  new WinchError('IMAGE_UNKNOWN', `image ${image} was removed meanwhile`, {kind: 'not-found', hint: 'pull it again'});

function needsPull(store: Store, {image, platform, policy}: ImageRequest): boolean {
  if (isStoredId(store, image)) return false;
  if (policy === 'always' || policy === 'newer') return true;
  return !findPresent(store, parseReference(image), platform)?.isMountable;
}
