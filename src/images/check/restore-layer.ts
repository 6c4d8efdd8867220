import {WinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import {type Digest, digestAlgorithm, shortDigest} from '../../oci/digest.ts';
import type {Database} from '../../store/database.ts';
import {hashFile} from '../../store/hash-file.ts';
import {type LayerRecord, listedLayersOf} from '../../store/image-records.ts';
import {setAside} from '../../store/set-aside.ts';
import type {ImageContext} from '../context.ts';
import {unpackLayer} from '../fetch-layer.ts';
import {restoreBlob} from './restore-blob.ts';

export interface LayerToRestore {
  readonly diffId: Digest;
  /** The manifests of the images that need it. */
  readonly users: readonly Digest[];
}

/**
 * Sets a damaged layer file aside and writes it again from its blob, which is downloaded again where it is damaged too.
 *
 * @throws {WinchError} as `restoreBlob` | `LAYER_UNNEEDED`: no image has it
 */
export async function restoreLayer(context: ImageContext, layer: LayerToRestore, options: CallOptions): Promise<void> {
  const {store} = context;
  const {diffId, users} = layer;
  const record = store.read((database) => findLayerRecord(database, layer), null);
  if (record === null) {
    await setAside(store.paths, store.paths.layer(diffId));
    await store.write((database) => database.run('DELETE FROM layer WHERE diff_id = ?', diffId));
    throw unneeded(diffId);
  }
  if (!(await isHealthy(context, record, options))) {
    await restoreBlob(context, {digest: record.blobDigest, users}, options);
  }
  await setAside(store.paths, store.paths.layer(diffId));
  await unpackLayer(context, record, options);
}

function findLayerRecord(database: Database, {diffId, users}: LayerToRestore): LayerRecord | null {
  const layers = users.flatMap((user) => listedLayersOf(database, user));
  return layers.find((layer) => layer.diffId === diffId) ?? null;
}

async function isHealthy({store}: ImageContext, {blobDigest, blobBytes}: LayerRecord, {signal}: CallOptions) {
  if (!store.blobs.has({digest: blobDigest, size: blobBytes})) return false;
  return (await hashFile(store.blobs.path(blobDigest), digestAlgorithm(blobDigest), signal)) === blobDigest;
}

const unneeded = (diffId: Digest) =>
  new WinchError('LAYER_UNNEEDED', `no image has the layer ${shortDigest(diffId)}`, {kind: 'not-found'});
