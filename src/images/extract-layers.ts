import type {CallOptions} from '../events.ts';
import {runTogether} from '../host/run-together.ts';
import type {SkippedFiles} from '../layers/write-rootfs.ts';
import {type Digest, shortDigest} from '../oci/digest.ts';
import type {IdMappings} from '../oci/id-mappings.ts';
import type {SnapshotLayer} from '../snapshots/snapshotter.ts';
import type {LayerTrees} from '../store/layer-trees.ts';
import type {ImageContext} from './context.ts';
import {describeSkipped} from './describe-skipped.ts';
import type {MountableLayer} from './stored-image.ts';

/** Each of several threads by itself: more such layers at once are no faster, and only take memory. */
const LARGE_BYTES = 16 * 1024 * 1024;
const SMALL_LAYERS_AT_ONCE = 3;

export interface ExtractionOptions extends CallOptions {
  /** Whose the files are to be on disk; absent: those who own them in the layers. */
  readonly ownerIds?: IdMappings | undefined;
}

/**
 * The same layers as directories, for the overlay driver; those that no run has needed yet are extracted now.
 *
 * The caller's lease has claimed them, and has to outlive what is mounted of them.
 *
 * @throws {WinchError} `STORE_READ_ONLY` | `STORE_CORRUPT` | `STORE_FULL` | `WORKER_FAILED` …
 */
export async function extractLayers(
  context: ImageContext,
  layers: readonly MountableLayer[],
  options: ExtractionOptions,
): Promise<readonly SnapshotLayer[]> {
  const trees = treesOf(context, options);
  const distinct = [...new Map(layers.map((layer) => [layer.diffId, layer])).values()];
  const missing = distinct.filter(({diffId}) => !trees.isComplete(diffId));
  const extract = (part: readonly MountableLayer[], limit: number) => {
    const tasks = part.map((layer) => (signal: AbortSignal) => extractStored(context, layer, {...options, signal}));
    return runTogether(tasks, {limit, signal: options.signal});
  };
  const isLarge = ({fileBytes}: MountableLayer) => fileBytes > LARGE_BYTES;
  await extract(missing.filter(isLarge), 1);
  await extract(
    missing.filter((layer) => !isLarge(layer)),
    SMALL_LAYERS_AT_ONCE,
  );
  return layers.map((layer) => ({...layer, path: trees.path(layer.diffId)}));
}

/** Where such layers are, or will be. */
export const treesOf = ({store: {trees}}: ImageContext, {ownerIds}: Pick<ExtractionOptions, 'ownerIds'>): LayerTrees =>
  ownerIds ? trees.ownedBy(ownerIds) : trees;

async function extractStored(context: ImageContext, layer: MountableLayer, options: ExtractionOptions): Promise<void> {
  const {store} = context;
  const trees = treesOf(context, options);
  const {diffId} = layer;
  const {signal, onEvent, ownerIds} = options;
  using _lock = await store.lock('layer', diffId, {
    signal,
    onWait: (holder) => onEvent?.({type: 'blob:waiting', digest: diffId, holder}),
  });
  if (trees.isComplete(diffId)) return;
  onEvent?.({type: 'layer:extracting', diffId});
  const pool = await context.layerPool();
  try {
    const skipped = await pool.extract({layer, directory: await trees.stage(diffId), ownerIds}, {signal});
    await trees.commit(diffId);
    warnOfSkipped(skipped, diffId, options);
  } catch (error) {
    // What cannot be removed now is garbage, and must not hide why it was not wanted.
    await trees.discard(diffId).catch(() => {});
    throw error;
  }
}

/** What root of a user namespace cannot keep; root itself is refused such a layer. */
function warnOfSkipped(skipped: SkippedFiles, diffId: Digest, {onEvent}: CallOptions): void {
  const difference = describeSkipped(skipped);
  if (difference === null) return;
  const message = `not all files of layer ${shortDigest(diffId)} are as in the image: ${difference}`;
  onEvent?.({type: 'warning:raised', code: 'LAYER_INCOMPLETE', message});
}
