import {join} from 'node:path';
import type {CallOptions} from '../../events.ts';
import {findLayerFile} from '../../store/image-records.ts';
import type {Lease} from '../../store/leases.ts';
import type {ImageContext} from '../context.ts';
import {digestsOfLayers} from '../fetch-image.ts';
import {fetchLayers} from '../fetch-layers.ts';
import {withForeignLayers} from '../foreign-layers.ts';
import type {MountableLayer} from '../stored-image.ts';
import type {LazyImage} from './lazy-image.ts';

export interface WholeLayersOptions extends CallOptions {
  /** Where the files that are served are going to be. */
  readonly mountPoint: string;
}

/**
 * Fetches the layers that are not served, as a pull does; the context's lease keeps them.
 *
 * @returns all layers, base first
 * @throws {WinchError} as `fetchLayers`
 */
export async function fetchWholeLayers(
  context: ImageContext & {readonly lease: Lease},
  {reference, layers}: LazyImage,
  {mountPoint, ...options}: WholeLayersOptions,
): Promise<readonly MountableLayer[]> {
  const {store, lease} = context;
  const whole = layers.filter(({served}) => served === null);
  const records = whole.map(({record}) => record);
  if (whole.length > 0) {
    await lease.claim(digestsOfLayers(records));
    const descriptors = whole.map(({descriptor}) => descriptor);
    const source = withForeignLayers(context, {reference, layers: descriptors}, {});
    await fetchLayers(source, {reference, layers: records}, options);
  }
  return layers.map(({record: {diffId, chainId}, served}) => {
    const file = served ?? store.read((database) => findLayerFile(database, diffId), null);
    if (file === null) throw new Error(`layer ${diffId} was fetched and is not there`);
    const {fileBytes, whiteouts, directories} = file;
    const path = served ? join(mountPoint, String(served.file)) : store.layers.path(diffId);
    return {path, diffId, chainId, fileBytes, whiteouts, directories};
  });
}
