import type {Digest} from '../oci/digest.ts';
import type {Database, Tuple} from './database.ts';

export interface Share {
  readonly sharedBytes: number;
  readonly uniqueBytes: number;
}

/** Blobs or layer files that the same images use. */
interface Parts {
  readonly bytes: number;
  /** Manifest digests, one for each place that a part has in an image: one image may have it twice. */
  readonly places: readonly Digest[];
}

/** What each image shares with others and has alone, in bytes on disk. */
export function readShares(database: Database): ReadonlyMap<Digest, Share> {
  const sums = new Map(database.tuples(BLOB_BYTES).map(([image, bytes]) => [image as Digest, startSum(Number(bytes))]));
  for (const parts of database.tuples(REPEATED_BLOBS).map(partsOf)) {
    for (const image of parts.places) add(sums, image, 'uniqueBytes', -parts.bytes);
    divide(sums, parts);
  }
  for (const parts of database.tuples(LAYER_FILES).map(partsOf)) divide(sums, parts);
  return sums;
}

/** The bytes of the unpacked layers of each image that has any; null while some layer is only downloaded. */
export function readUnpackedBytes(database: Database): ReadonlyMap<Digest, number | null> {
  const sums = new Map<Digest, number | null>();
  for (const [images, , tarBytes, isComplete] of database.tuples(LAYER_FILES)) {
    for (const image of digestsIn(images)) {
      const sum = sums.get(image) ?? (sums.has(image) ? null : 0);
      sums.set(image, sum === null || isComplete === 0 ? null : sum + Number(tarBytes));
    }
  }
  return sums;
}

/**
 * Layer files by who uses them. One query finds the images of each layer, and a sum for all layers of the same images
 * leaves few rows: with 2 000 images and 20 000 layers it takes 55 ms, and 95 where every layer becomes a row.
 */
const LAYER_FILES = `
  WITH used AS (
    SELECT diff_id, group_concat(manifest_digest, ' ') AS images FROM image_layer JOIN chain USING (chain_id)
    GROUP BY diff_id
  )
  SELECT images, total(file_bytes), total(tar_bytes), count(*) = count(tar_bytes)
  FROM used LEFT JOIN layer USING (diff_id) GROUP BY images`;

/** The blobs of each image, as if it shared none and had none twice. */
const BLOB_BYTES = `
  SELECT manifest_digest, manifest_bytes + config_bytes + coalesce((
    SELECT sum(blob_bytes) FROM image_layer WHERE image_layer.manifest_digest = image.manifest_digest
      AND blob_digest NOT IN (SELECT digest FROM dropped_blob)
  ), 0) FROM image`;

/** Blobs that have several places, by who uses them. Three indexes are merged for it, and nothing is sorted. */
const REPEATED_BLOBS = `
  WITH place (digest, manifest_digest) AS (
    SELECT blob_digest, manifest_digest FROM image_layer UNION ALL SELECT config_digest, manifest_digest FROM image
    UNION ALL SELECT manifest_digest, manifest_digest FROM image ORDER BY 1
  ),
  repeated AS (
    SELECT digest, group_concat(manifest_digest, ' ') AS images FROM place GROUP BY digest HAVING count(*) > 1
  ),
  kept AS (SELECT * FROM repeated WHERE digest NOT IN (SELECT digest FROM dropped_blob))
  SELECT images, sum(coalesce(
    (SELECT blob_bytes FROM image_layer WHERE blob_digest = digest LIMIT 1),
    (SELECT config_bytes FROM image WHERE config_digest = digest LIMIT 1)
  )) FROM kept GROUP BY images`;

type Sum = {-readonly [Key in keyof Share]: Share[Key]};

const startSum = (uniqueBytes: number): Sum => ({sharedBytes: 0, uniqueBytes});

function divide(sums: ReadonlyMap<Digest, Sum>, {bytes, places}: Parts): void {
  const images = places.length === 1 ? places : new Set(places);
  const isShared = images instanceof Set && images.size > 1;
  for (const image of images) add(sums, image, isShared ? 'sharedBytes' : 'uniqueBytes', bytes);
}

function add(sums: ReadonlyMap<Digest, Sum>, image: Digest, key: keyof Share, bytes: number): void {
  const sum = sums.get(image);
  if (sum) sum[key] += bytes;
}

const partsOf = ([images, bytes]: Tuple): Parts => ({bytes: Number(bytes), places: digestsIn(images)});

const digestsIn = (text: unknown): readonly Digest[] => String(text).split(' ') as Digest[];
