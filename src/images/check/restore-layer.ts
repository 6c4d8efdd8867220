import {WinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import {shortDigest} from '../../oci/digest.ts';
import type {Database} from '../../store/database.ts';
import type {NeededFile} from '../../store/expected-files.ts';
import {deleteLayerFile, type LayerRecord, listedLayersOf} from '../../store/image-records.ts';
import {setAside} from '../../store/set-aside.ts';
import type {ImageContext} from '../context.ts';
import {unpackLayer} from '../fetch-layer.ts';
import {checkFile} from './check-file.ts';
import {isAboutAccess} from './finding.ts';
import {restoreBlob} from './restore-blob.ts';
import {setDamagedAside} from './set-damaged-aside.ts';

/**
 * Sets a damaged layer file aside and writes it again from its blob, which is downloaded again where it is damaged too.
 *
 * @throws {WinchError} as `restoreBlob` | `LAYER_UNNEEDED`: no image has it
 */
export async function restoreLayer(context: ImageContext, file: NeededFile, options: CallOptions): Promise<void> {
  const {store} = context;
  const {digest: diffId} = file;
  const record = store.read((database) => findLayerRecord(database, file), null);
  if (record === null) {
    await setAside(store.paths, store.paths.layer(diffId));
    await store.write((database) => deleteLayerFile(database, diffId));
    throw new WinchError('LAYER_UNNEEDED', `no image has the layer ${shortDigest(diffId)}`, {kind: 'not-found'});
  }
  const {blobDigest, blobBytes} = record;
  const blob = {...file, kind: 'blob', digest: blobDigest, bytes: blobBytes} as const;
  const faults = await checkFile(context, blob, {isDeep: true, signal: options.signal});
  if (!faults.every(({code}) => isAboutAccess(code))) await restoreBlob(context, blob, options);
  await setDamagedAside(context, file, options);
  await unpackLayer(context, record, options);
}

function findLayerRecord(database: Database, {digest: diffId, users}: NeededFile): LayerRecord | null {
  const layers = users.flatMap((user) => listedLayersOf(database, user));
  return layers.find((layer) => layer.diffId === diffId) ?? null;
}
