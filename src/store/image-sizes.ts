import type {Digest} from '../oci/digest.ts';
import type {Database} from './database.ts';
import {IMAGE_SIZES} from './schema.ts';

/** The layers of an image in bytes; one that it has twice counts twice. */
export interface ImageSizes {
  /** As received. */
  readonly blobBytes: number;
  /** Unpacked; null while some layer is only downloaded. */
  readonly unpackedBytes: number | null;
}

/** The sizes of every image that has layers. */
export const readImageSizes = (database: Database): ReadonlyMap<Digest, ImageSizes> =>
  new Map(
    database
      .tuples('SELECT manifest_digest, blob_bytes, tar_bytes FROM image_size')
      .map(([image, blobBytes, tarBytes]) => [
        image as Digest,
        {blobBytes: Number(blobBytes), unpackedBytes: tarBytes === null ? null : Number(tarBytes)},
      ]),
  );

/**
 * Notes the sizes of an image that was recorded. They are kept, since with 2 000 images and 20 000 layers it takes 50 ms
 * to add them up.
 */
export const noteImageSizes = (database: Database, manifestDigest: Digest): void =>
  void database.run(
    `INSERT OR REPLACE INTO image_size ${IMAGE_SIZES} WHERE manifest_digest = ? GROUP BY manifest_digest`,
    manifestDigest,
  );

/** Notes the sizes of the images that have a layer whose file was recorded or is no more. */
export const noteLayerSizes = (database: Database, diffId: Digest): void =>
  void database.run(
    `INSERT OR REPLACE INTO image_size ${IMAGE_SIZES} WHERE manifest_digest IN (
       SELECT manifest_digest FROM chain CROSS JOIN image_layer USING (chain_id) WHERE chain.diff_id = ?
     ) GROUP BY manifest_digest`,
    diffId,
  );

/** The images whose noted sizes are not those of their layers. */
export const listWrongSizes = (database: Database): readonly Digest[] =>
  database.tuples(WRONG_SIZES).map(([image]) => image as Digest);

const TRUE_SIZES = `${IMAGE_SIZES} GROUP BY manifest_digest`;
const WRONG_SIZES = `
  SELECT manifest_digest FROM (SELECT * FROM image_size EXCEPT ${TRUE_SIZES})
  UNION SELECT manifest_digest FROM (${TRUE_SIZES} EXCEPT SELECT * FROM image_size)`;
