import type {FileNode} from '../layers/file-tree.ts';
import {findFile} from '../layers/find-file.ts';
import {stackLayer} from '../layers/read-layer-index.ts';
import type {Digest} from '../oci/digest.ts';
import {type ChainRecord, listChains} from '../store/chains.ts';
import {type ImageRecord, listedLayersOf, listImages} from '../store/image-records.ts';
import type {Store} from '../store/store.ts';
import type {ImageContext} from './context.ts';
import {describeFile, textOf} from './diff-files.ts';
import type {WhichFile} from './which.ts';

export interface PathHolder {
  readonly manifestDigest: Digest;
  /** Of the layer that brought the file, base first from 0. */
  readonly position: number | null;
  readonly file: WhichFile;
}

export interface PathSearch {
  readonly found: readonly PathHolder[];
  /** Images of which some layer is only downloaded. */
  readonly unsearched: readonly Digest[];
}

/** The images that have a path; the context's lease keeps them meanwhile. Chains are walked depth first, so that each layer is read once and few trees are kept. */
export async function findByPath(context: ImageContext, path: string, signal?: AbortSignal): Promise<PathSearch> {
  const {store} = context;
  const {chains, images} = await claimGraph(context);
  const above = Map.groupBy(chains, ({parent}) => parent);
  const byChain = Map.groupBy(images, ({chainId}) => chainId);
  const searched = new Set<Digest | null>([null]);
  const found: PathHolder[] = [];
  const bytes = Buffer.from(path).toString('latin1');
  const visit = async (chain: ChainRecord, below: FileNode | null): Promise<void> => {
    const {diffId, file} = chain;
    if (file === null) return;
    const root = await stackLayer(below, {path: store.layers.path(diffId), diffId, ...file}, {signal});
    searched.add(chain.chainId);
    for (const image of byChain.get(chain.chainId) ?? []) found.push(...lookUp(store, image, {root, bytes}));
    for (const next of above.get(chain.chainId) ?? []) await visit(next, root);
  };
  for (const base of above.get(null) ?? []) await visit(base, null);
  const unsearched = images.filter(({chainId}) => !searched.has(chainId));
  return {found, unsearched: unsearched.map(({manifestDigest}) => manifestDigest)};
}

interface Graph {
  readonly chains: readonly ChainRecord[];
  readonly images: readonly ImageRecord[];
}

async function claimGraph({store, lease}: ImageContext): Promise<Graph> {
  for (let claimed: string | null = null; ; ) {
    const graph = store.read<Graph>((database) => ({chains: listChains(database), images: listImages(database)}), {
      chains: [],
      images: [],
    });
    const digests = graph.chains.map(({diffId}) => diffId);
    // What was removed before the claim was made is found to be gone by looking again.
    if (!lease || digests.join() === claimed) return graph;
    await lease.claim(digests);
    claimed = digests.join();
  }
}

function lookUp(
  store: Store,
  {manifestDigest}: ImageRecord,
  {root, bytes}: {readonly root: FileNode; readonly bytes: string},
): readonly PathHolder[] {
  const file = findFile(root, bytes);
  if (!file) return [];
  const layers = store.read((database) => listedLayersOf(database, manifestDigest), []);
  const position = layers.findLastIndex(({diffId}) => store.layers.path(diffId) === file.node.layerPath);
  return [
    {
      manifestDigest,
      position: position < 0 ? null : position,
      file: {...describeFile(file.node), path: textOf(file.path)},
    },
  ];
}
