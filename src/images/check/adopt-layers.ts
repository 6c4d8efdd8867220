import {open} from 'node:fs/promises';
import {hasErrno, isWinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import {runTogether} from '../../host/run-together.ts';
import {storageError} from '../../host/storage-error.ts';
import {HEAD_BYTES} from '../../layers/erofs-format.ts';
import {indexStart, isLayerHead} from '../../layers/erofs-superblock.ts';
import {type Digest, digestAlgorithm} from '../../oci/digest.ts';
import {findFiles, statFile} from '../../store/found-files.ts';
import {type LayerFileRecord, recordLayerFile} from '../../store/image-records.ts';
import type {SalvagedLayer} from '../../store/salvage.ts';
import type {ImageContext} from '../context.ts';

const LAYERS_AT_ONCE = 4;
/** Of a tar; what lies between its end and the index fills up a page of eight. */
const TAR_BLOCK_BYTES = 512;
const BLOCKS_OF_PAGE = 8;

/**
 * Records every layer file that is whole, as it proves itself: its tar by the digest for which it is named, the rest by
 * the tar.
 */
export async function adoptLayers(
  context: ImageContext,
  known: readonly SalvagedLayer[],
  {signal}: CallOptions,
): Promise<void> {
  const {store} = context;
  const sizes = Map.groupBy(known, ({diffId}) => diffId);
  const tasks = findFiles(store.paths).layers.map((diffId) => async (stop: AbortSignal) => {
    const lengths = (sizes.get(diffId) ?? []).map(({tarBytes}) => tarBytes);
    const layer = await findWhole(context, {diffId, lengths}, {signal: stop});
    if (layer) await store.write((database) => recordLayerFile(database, layer));
  });
  await runTogether(tasks, {limit: LAYERS_AT_ONCE, signal});
}

interface LayerToAdopt {
  readonly diffId: Digest;
  /** Those that its tar is said to have, bytes. */
  readonly lengths: readonly number[];
}

/** Null: it is damaged, or no layer file. */
async function findWhole(
  {store, layerPool}: ImageContext,
  {diffId, lengths}: LayerToAdopt,
  options: CallOptions,
): Promise<LayerFileRecord | null> {
  const path = store.paths.layer(diffId);
  const stats = statFile(path);
  if (!stats?.isFile()) return null;
  const fileBytes = stats.size;
  try {
    const head = await readHead(path);
    if (fileBytes < HEAD_BYTES || !isLayerHead(head, {diffId, fileBytes})) return null;
    const pool = await layerPool();
    for (const tarBytes of new Set([...lengths, ...possibleLengths(indexStart(head) - HEAD_BYTES)])) {
      const tar = {path, algorithm: digestAlgorithm(diffId), offset: HEAD_BYTES, bytes: tarBytes};
      if ((await pool.hash(tar, options)) !== diffId) continue;
      const {fault, ...facts} = await pool.verify({path, diffId, tarBytes, fileBytes}, options);
      return fault === null && 'entries' in facts ? {diffId, tarBytes, fileBytes, ...facts} : null;
    }
    return null;
  } catch (error) {
    const failure = hasErrno(error, 'ENOENT') ? null : storageError(error, path);
    // What the disk does not give is not there.
    if (failure === null || isWinchError(failure, 'STORE_IO')) return null;
    throw failure;
  }
}

const possibleLengths = (longest: number): readonly number[] =>
  Array.from({length: BLOCKS_OF_PAGE}, (_, blocks) => longest - blocks * TAR_BLOCK_BYTES).filter((bytes) => bytes >= 0);

async function readHead(path: string): Promise<Buffer> {
  await using file = await open(path, 'r');
  const head = Buffer.alloc(HEAD_BYTES);
  await file.read(head, 0, HEAD_BYTES, 0);
  return head;
}
