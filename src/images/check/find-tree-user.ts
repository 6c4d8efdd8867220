import {describeHolder} from '../../host/find-lock-holder.ts';
import {type Digest, digestHex} from '../../oci/digest.ts';
import {findImagesById, listedLayersOf} from '../../store/image-records.ts';
import type {Store} from '../../store/store.ts';
import {type ImageUse, listImagesInUse} from '../images-in-use.ts';
import {listMountedBundles} from '../mounted-bundles.ts';

/**
 * Who may have an extracted layer mounted, in words for people: a container or bundle, or else a process that claims the
 * layer; null for nobody. Containers run in mount namespaces of their own, so no mount table tells.
 */
export function findTreeUser(store: Store, diffId: Digest): string | null {
  const holders = store.readClaims().holdersOf(new Set([diffId]));
  const isClaiming = ({holder}: ImageUse) => holder === null || holders.some(({pid}) => pid === holder.pid);
  const use = listImagesInUse(store).find((one) => isClaiming(one) && mayHave(store, one, diffId));
  if (use) return `container ${use.name ?? use.containerId}`;
  const bundle = listMountedBundles(store.paths).find((one) => mayHave(store, one, diffId));
  if (bundle) return `the bundle ${bundle.directory}`;
  const [holder] = holders;
  return holder ? describeHolder(holder) : null;
}

/** An image that was removed meanwhile may have had any layer. */
function mayHave(store: Store, {imageId}: Pick<ImageUse, 'imageId'>, diffId: Digest): boolean {
  return store.read((database) => {
    const images = findImagesById(database, digestHex(imageId as Digest));
    const layers = images.flatMap(({manifestDigest}) => listedLayersOf(database, manifestDigest));
    return images.length === 0 || layers.some((layer) => layer.diffId === diffId);
  }, true);
}
