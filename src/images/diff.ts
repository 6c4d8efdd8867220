import type {CallOptions} from '../events.ts';
import type {FileNode} from '../layers/file-tree.ts';
import {stackLayer} from '../layers/read-layer-index.ts';
import {CONFIG_LIMIT_BYTES, type ImageConfig, parseImageConfig} from '../oci/image-config.ts';
import {type ImageRecord, layersOf, type StoredLayer} from '../store/image-records.ts';
import type {Store} from '../store/store.ts';
import type {ImageContext} from './context.ts';
import {type ConfigChange, diffConfigs} from './diff-config.ts';
import {diffFiles, type FileChange, type TreePair} from './diff-files.ts';
import {requireStoredImage} from './find-image.ts';
import {claimImage} from './hold-lease.ts';
import {isUnpacked} from './present-image.ts';

export interface DiffOptions extends CallOptions {
  /** Chooses among the images that were stored from an index; absent: the one that was pulled last. */
  readonly platform?: string | undefined;
}

export interface ImageDiff {
  readonly from: DiffSide;
  readonly to: DiffSide;
  /** Layers that both images start with. */
  readonly sharedLayers: number;
  /** In the order of their paths, a directory before what is in it. */
  readonly files: readonly FileChange[];
  readonly config: readonly ConfigChange[];
}

export interface DiffSide {
  readonly imageId: string;
  readonly platform: string;
  readonly layerCount: number;
}

/**
 * What turns one stored image into another: files added, changed and removed, and other settings.
 *
 * Reads the indexes of layers, and the content of files that have the same size in different layers; nothing of images
 * with the same layers. Memory grows with the number of names, not with their content. Layers that are only downloaded
 * are unpacked first.
 *
 * @throws {WinchError} `IMAGE_UNKNOWN` | `IMAGE_AMBIGUOUS` | `CONFIG_INVALID` | `BLOB_MISSING` | `STORE_CORRUPT`
 */
export async function diffImages(
  outer: ImageContext,
  {from, to}: {readonly from: string; readonly to: string},
  options: DiffOptions = {},
): Promise<ImageDiff> {
  const {store} = outer;
  using lease = await store.readerLease(options.signal);
  const context = {...outer, lease};
  const before = await openSide(context, from, options);
  const after = await openSide(context, to, options);
  const sharedLayers = countShared(before.layers, after.layers);
  const trees = await readTrees(store, {before, after, sharedLayers}, options.signal);
  const files: FileChange[] = [];
  for await (const change of diffFiles(trees, {signal: options.signal})) files.push(change);
  return {
    from: describeSide(before),
    to: describeSide(after),
    sharedLayers,
    files,
    config: diffConfigs(before.config, after.config),
  };
}

interface Side {
  readonly image: ImageRecord;
  readonly config: ImageConfig;
  /** Base first. */
  readonly layers: readonly StoredLayer[];
}

async function openSide(context: ImageContext, name: string, options: DiffOptions): Promise<Side> {
  const {store} = context;
  const {image} = await claimImage(context, () => requireStoredImage(store, name, options.platform));
  if (!store.read((database) => isUnpacked(store, database, image), false)) {
    const {unpackImage} = await import('./unpack-image.ts');
    await unpackImage(context, {name, image}, options);
  }
  const config = store.blobs.read(image.configDigest, CONFIG_LIMIT_BYTES);
  return {
    image,
    config: parseImageConfig(config, {where: `config of ${name}`}),
    layers: store.read((database) => layersOf(database, image.manifestDigest), []),
  };
}

const describeSide = ({image}: Side): DiffSide => ({
  imageId: image.configDigest,
  platform: image.platform,
  layerCount: image.layerCount,
});

function countShared(before: readonly StoredLayer[], after: readonly StoredLayer[]): number {
  const first = before.findIndex(({chainId}, position) => after[position]?.chainId !== chainId);
  return first < 0 ? before.length : first;
}

interface SidePair {
  readonly before: Side;
  readonly after: Side;
  readonly sharedLayers: number;
}

/** What both start with is read once, and not at all when neither goes on. */
async function readTrees(
  store: Store,
  {before, after, sharedLayers}: SidePair,
  signal: AbortSignal | undefined,
): Promise<TreePair> {
  if (before.layers.length === sharedLayers && after.layers.length === sharedLayers) return {before: null, after: null};
  const stack = async (base: FileNode | null, layers: readonly StoredLayer[]) => {
    let root = base;
    for (const layer of layers)
      root = await stackLayer(root, {...layer, path: store.layers.path(layer.diffId)}, {signal});
    return root;
  };
  const base = await stack(null, before.layers.slice(0, sharedLayers));
  return {
    before: await stack(base, before.layers.slice(sharedLayers)),
    after: await stack(base, after.layers.slice(sharedLayers)),
  };
}
