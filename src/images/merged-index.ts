import {rm} from 'node:fs/promises';
import {dirname} from 'node:path';
import {setImmediate as nextTurn} from 'node:timers/promises';
import {isWinchError} from '../errors.ts';
import {commitFile, ensureDirectory} from '../host/atomic-write.ts';
import {canMountDevices} from '../host/mount-erofs.ts';
import {storageError} from '../host/storage-error.ts';
import {isMergedIndex, type LayerChain} from '../layers/merged-head.ts';
import type {MergeRequest} from '../layers/merged-index.ts';
import type {Digest} from '../oci/digest.ts';
import {recallProbe} from '../snapshots/remembered-probe.ts';
import {findLayerFile} from '../store/image-records.ts';
import type {Store} from '../store/store.ts';
import type {ImageContext} from './context.ts';
import {holdLease} from './hold-lease.ts';

/** A layer on those below. */
interface ChainLink {
  readonly diffId: Digest;
  readonly chainId: Digest;
}

type ChainToMerge = Pick<MergeRequest, 'chainId' | 'layers'>;

/** With fewer layers a run would gain less than 3 ms. */
const FEWEST_LAYERS = 8;
/** A run gains 0.35 ms for each layer, and an entry costs 3 µs once: that is to come back within some ten runs. */
const ENTRIES_PER_LAYER = 1000;

/** Where the merged index of these layers is, base first; null: there is none that can be mounted. */
export function findMergedIndex(
  {paths}: Pick<Store, 'paths'>,
  layers: readonly (LayerChain['layers'][number] & ChainLink)[],
): string | null {
  const chainId = layers.at(-1)?.chainId;
  if (chainId === undefined || layers.length < FEWEST_LAYERS || !canMountDevices()) return null;
  const path = paths.mergedIndex(chainId);
  return ignoringFailure(() => isMergedIndex(path, {chainId, layers})) ? path : null;
}

/**
 * Writes the merged index of an image's layers while `record` does its work: one waits for a thread, the other for the
 * disk. Not where there is one, some layer has no file, it is not worth it, or it could not be mounted; a failure leaves
 * the image without.
 *
 * @param layers Base first.
 * @returns what `record` returns
 */
export async function mergeMeanwhile<T>(
  context: ImageContext,
  layers: readonly ChainLink[],
  record: () => Promise<T>,
): Promise<T> {
  const chain = findChainToMerge(context, layers);
  if (chain === null) return await record();
  const staged = await stageIndex(context).catch(ignoreFailure);
  if (staged === null) return await record();
  const filling = staged.fill(chain).catch(ignoreFailure);
  try {
    // A transaction holds up this thread, and the other one is to have its request before.
    await nextTurn();
    const result = await record();
    if (await filling) await staged.commit(chain).catch(ignoreFailure);
    return result;
  } finally {
    await Promise.allSettled([filling]);
    await staged.discard();
  }
}

function findChainToMerge({store, runtimeDirectory}: ImageContext, links: readonly ChainLink[]): ChainToMerge | null {
  const chainId = links.at(-1)?.chainId;
  if (chainId === undefined || links.length < FEWEST_LAYERS || !canMountDevices()) return null;
  if ((recallProbe(runtimeDirectory)?.name ?? 'erofs') !== 'erofs') return null;
  const files = store.read((database) => links.map(({diffId}) => findLayerFile(database, diffId)), []);
  const layers = files.flatMap((file) => file ?? []).map((file) => ({...file, path: store.layers.path(file.diffId)}));
  const entries = layers.reduce((sum, layer) => sum + layer.entries, 0);
  if (layers.length < links.length || entries > links.length * ENTRIES_PER_LAYER) return null;
  const isThere = ignoringFailure(() => isMergedIndex(store.paths.mergedIndex(chainId), {chainId, layers}));
  return isThere ? null : {chainId, layers};
}

interface StagedIndex {
  /** @returns false: the format has no room for these layers */
  fill(chain: ChainToMerge): Promise<boolean>;
  commit(chain: ChainToMerge): Promise<void>;
  discard(): Promise<void>;
}

async function stageIndex(context: ImageContext): Promise<StagedIndex> {
  const {paths, durability} = context.store;
  await withStorageError(paths.ingest, () => ensureDirectory(paths.ingest, 'fast'));
  const pool = await context.layerPool();
  const lease = await holdLease(context);
  const path = lease.temporaryPath();
  return {
    fill: (chain) => withStorageError(path, () => pool.merge({...chain, path, durability})),
    commit: ({chainId}) => {
      const target = paths.mergedIndex(chainId);
      return withStorageError(target, async () => {
        // Its bytes are durable before it gets the name; a power cut that takes the name takes a cache.
        await ensureDirectory(dirname(target), 'fast');
        await commitFile(path, target, 'fast');
      });
    },
    discard: async () => {
      await rm(path, {force: true});
      lease.release();
    },
  };
}

async function withStorageError<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw storageError(error, path);
  }
}

/** Without the file, layers are mounted one by one. */
function ignoreFailure(error: unknown): null {
  if (isWinchError(error)) return null;
  throw error;
}

function ignoringFailure(look: () => boolean): boolean {
  try {
    return look();
  } catch (error) {
    return ignoreFailure(error) ?? false;
  }
}
