import {rm} from 'node:fs/promises';
import {dirname} from 'node:path';
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
  const staging = stageIndex(context, chain).catch(ignoreFailure);
  try {
    const result = await record();
    await (await staging)?.commit().catch(ignoreFailure);
    return result;
  } finally {
    await (await staging)?.discard();
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
  commit(): Promise<void>;
  discard(): Promise<void>;
}

/** Null: the format has no room for these layers. */
async function stageIndex(context: ImageContext, chain: ChainToMerge): Promise<StagedIndex | null> {
  const {paths, durability} = context.store;
  const lease = await holdLease(context);
  const path = lease.temporaryPath();
  const discard = async () => {
    await rm(path, {force: true});
    lease.release();
  };
  try {
    await ensureDirectory(dirname(path), durability);
    const pool = await context.layerPool();
    if (!(await pool.merge({...chain, path, durability}))) {
      await discard();
      return null;
    }
  } catch (error) {
    await discard();
    throw storageError(error, path);
  }
  const target = paths.mergedIndex(chain.chainId);
  const commit = async () => {
    try {
      await ensureDirectory(dirname(target), durability);
      await commitFile(path, target, durability);
    } catch (error) {
      throw storageError(error, target);
    }
  };
  return {commit, discard};
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
