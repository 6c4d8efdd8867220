import type {Database} from '../store/database.ts';
import {listUnpacked, type UnpackedBlob} from '../store/dropped-blobs.ts';
import type {ImageRecord} from '../store/image-records.ts';
import type {ImageContext} from './context.ts';

export interface DropChoice {
  /** The images that are left. */
  readonly images: readonly ImageRecord[];
  /** Whether the filter means an image; a copy that another one has as well stays. */
  readonly isMeant: (image: ImageRecord) => boolean;
  readonly isClaimed: (digest: string) => boolean;
}

/** The compressed copies of layers whose files are there and recorded, but those that somebody works with. */
export function chooseDrops(
  database: Database,
  {store}: ImageContext,
  {images, isMeant, isClaimed}: DropChoice,
): readonly UnpackedBlob[] {
  const isMeantByDigest = new Map(images.map((image) => [image.manifestDigest, isMeant(image)]));
  return listUnpacked(database).filter((blob) => {
    const users = [...blob.users].flatMap((user) => isMeantByDigest.get(user) ?? []);
    return (
      users.length > 0 &&
      users.every(Boolean) &&
      !isClaimed(blob.digest) &&
      store.blobs.has(blob) &&
      store.layers.has(blob.diffId, blob.fileBytes)
    );
  });
}
