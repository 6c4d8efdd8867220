import type {Database} from '../store/database.ts';
import {dropBlobs, listUnpacked} from '../store/dropped-blobs.ts';
import {listImages} from '../store/image-records.ts';
import type {ImageContext} from './context.ts';
import {matchesFilter, type PruneFilter} from './prune-filter.ts';

/**
 * Gives up the compressed copies of layers whose files are there and recorded, of images that the filter means; a copy
 * that an image outside of the filter has as well stays, and so does one that somebody works with. Part of a garbage collection, which then removes the files.
 *
 * @returns how many
 */
export function dropUnpacked(
  database: Database,
  {store, now}: ImageContext,
  {isClaimed, ...filter}: PruneFilter & {readonly isClaimed: (digest: string) => boolean},
): number {
  const kept = new Set(
    listImages(database)
      .filter((image) => !matchesFilter(store, image, filter))
      .map(({manifestDigest}) => manifestDigest),
  );
  const dropped = listUnpacked(database).filter(
    (blob) =>
      !blob.users.some((user) => kept.has(user)) &&
      !isClaimed(blob.digest) &&
      store.blobs.has(blob) &&
      store.layers.has(blob.diffId, blob.fileBytes),
  );
  dropBlobs(database, dropped, now());
  return dropped.length;
}
