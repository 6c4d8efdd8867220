import {relative} from 'node:path';
import {hasErrno, isWinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import type {MergeableLayer} from '../../layers/merged-index.ts';
import type {Digest} from '../../oci/digest.ts';
import {statFile} from '../../store/found-files.ts';
import {layersOf, listImages} from '../../store/image-records.ts';
import {setAside} from '../../store/set-aside.ts';
import type {ImageContext} from '../context.ts';
import {createFinding, type Finding} from './finding.ts';
import type {Repair} from './repair.ts';

/** Holds merged indexes against the layer files of their images, when `deep`. */
export async function checkMerged(
  context: ImageContext,
  {deep = false, signal}: CallOptions & {readonly deep?: boolean | undefined},
): Promise<readonly Finding[]> {
  if (!deep) return [];
  const {paths} = context.store;
  const findings: Finding[] = [];
  for (const [digest, layers] of listMerged(context)) {
    signal?.throwIfAborted();
    const path = paths.mergedIndex(digest);
    if (await isSound(context, {path, chainId: digest, layers}, signal)) continue;
    const detail = 'it is not what the layer files have';
    findings.push(createFinding({code: 'MERGED_CONTENT', detail, digest, path: relative(paths.root, path)}));
  }
  return findings;
}

/** Takes away what is damaged; containers that run keep what they have mounted. */
export async function dropMerged({store}: ImageContext, findings: readonly Finding[]): Promise<readonly Repair[]> {
  for (const {digest} of findings) await setAside(store.paths, store.paths.mergedIndex(digest as Digest));
  return findings.map((finding) => ({
    ...{finding, outcome: 'repaired'},
    detail: 'taken away; the next pull of its image writes it again',
  }));
}

function listMerged({store}: ImageContext): ReadonlyMap<Digest, readonly MergeableLayer[]> {
  const withPath = <Layer extends {readonly diffId: Digest}>(layer: Layer) => ({
    ...layer,
    path: store.layers.path(layer.diffId),
  });
  return store.read((database) => {
    const merged = new Map<Digest, readonly MergeableLayer[]>();
    for (const {chainId, manifestDigest} of listImages(database)) {
      if (chainId === null || merged.has(chainId) || statFile(store.paths.mergedIndex(chainId)) === null) continue;
      merged.set(chainId, layersOf(database, manifestDigest).map(withPath));
    }
    return merged;
  }, new Map());
}

interface Merged {
  readonly path: string;
  readonly chainId: Digest;
  readonly layers: readonly MergeableLayer[];
}

/** A damaged layer file is a finding of its own, and what is removed meanwhile is no damage. */
async function isSound({layerPool}: ImageContext, merged: Merged, signal?: AbortSignal): Promise<boolean> {
  const pool = await layerPool();
  try {
    return await pool.verifyMerged(merged, {signal});
  } catch (error) {
    if (isWinchError(error, 'STORE_CORRUPT') || hasErrno(error, 'ENOENT', 'ENOTDIR')) return true;
    throw error;
  }
}
