import {rename, rm, stat} from 'node:fs/promises';
import {dirname} from 'node:path';
import {hasErrno} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import {randomHex} from '../../host/random-hex.ts';
import {storageError} from '../../host/storage-error.ts';
import {packLayer} from '../../layers/pack-layer.ts';
import {below, makeDirectory} from '../../media/layout-files.ts';
import type {StoredLayer} from '../../store/image-records.ts';
import type {Store} from '../../store/store.ts';
import {layerObject} from './cache-directory.ts';

export interface LayerToSave {
  readonly directory: string;
  readonly layer: StoredLayer;
}

/** No more often than a display can follow. */
const EVENT_BYTES = 1024 * 1024;

/**
 * Packs a layer into a cache, unless it is there; only whole layers have their names.
 *
 * @returns the bytes of its file; null: it was there
 * @throws {WinchError} `STORE_CORRUPT` | `STORE_FULL` …
 */
export async function saveLayer(
  store: Store,
  {directory, layer}: LayerToSave,
  {onEvent, signal}: CallOptions,
): Promise<number | null> {
  const {blobDigest: digest, diffId, tarBytes: totalBytes} = layer;
  const path = below(directory, layerObject(diffId));
  if (await isThere(path)) {
    onEvent?.({type: 'upload:finished', digest, size: totalBytes, outcome: 'present'});
    return null;
  }
  onEvent?.({type: 'upload:started', digest, totalBytes});
  let told = 0;
  const onRead = (sentBytes: number) => {
    if (sentBytes - told < EVENT_BYTES) return;
    told = sentBytes;
    onEvent?.({type: 'upload:sent', digest, sentBytes, totalBytes});
  };
  const staging = `${path}.${randomHex(6)}.tmp`;
  try {
    await makeDirectory(dirname(path));
    await packLayer({path: store.layers.path(diffId), diffId, tarBytes: totalBytes}, staging, {onRead, signal});
    const {size} = await stat(staging);
    await rename(staging, path);
    onEvent?.({type: 'upload:finished', digest, size: totalBytes, outcome: 'uploaded'});
    return size;
  } catch (error) {
    await rm(staging, {force: true}).catch(() => {});
    signal?.throwIfAborted();
    throw storageError(error, path);
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return false;
    throw storageError(error, path);
  }
}
