import type {Digest} from '../oci/digest.ts';
import type {Database} from './database.ts';
import {readShares} from './shares.ts';

/**
 * The graph of ancestry: an image descends from another when its chain of layers starts with the other's whole chain
 * and goes on. Images of one and the same chain are siblings.
 */
export interface DescentRow {
  readonly manifestDigest: Digest;
  /** The image with the longest such chain, the oldest of siblings; null for a root. */
  readonly parent: Digest | null;
  readonly configDigest: Digest;
  readonly platform: string;
  /** Null without layers. */
  readonly chainId: Digest | null;
  readonly layerCount: number;
}

export interface AncestryRow extends DescentRow {
  /** Bytes on disk (blobs and layer files) that another image uses as well; a layer that comes twice counts once. */
  readonly sharedBytes: number;
  /** Bytes on disk that only this image needs. */
  readonly uniqueBytes: number;
}

/**
 * The longest of the images' chains that each image's own starts with. The join begins with those chains: few images
 * have such a chain in them, whereas every layer of every image would be looked at the other way round.
 */
const NEAREST_CHAINS = `
  SELECT manifest_digest, max(position), image_layer.chain_id
  FROM (SELECT DISTINCT chain_id FROM image) AS ending CROSS JOIN image_layer USING (chain_id)
    JOIN image USING (manifest_digest)
  WHERE image_layer.chain_id <> image.chain_id GROUP BY manifest_digest`;

const IMAGES = `
  SELECT manifest_digest, chain_id, config_digest, platform, layer_count FROM image
  ORDER BY stored_at, manifest_digest`;

/** Every image with its parent, oldest first. */
export function readDescent(database: Database): readonly DescentRow[] {
  const images = database.tuples(IMAGES);
  const nearest = new Map(database.tuples(NEAREST_CHAINS).map(([image, , chain]) => [image, chain]));
  const eldest = new Map(images.toReversed().map(([image, chain]) => [chain, image]));
  return images.map(([manifestDigest, chainId, configDigest, platform, layerCount]) => {
    const parent = eldest.get(nearest.get(manifestDigest ?? '') ?? '') ?? null;
    return {manifestDigest, chainId, configDigest, platform, layerCount, parent} as DescentRow;
  });
}

/** Every image with its parent and its share of the disk, oldest first. */
export function readAncestry(database: Database): readonly AncestryRow[] {
  const shares = readShares(database);
  return readDescent(database).map((row) => ({
    ...row,
    ...(shares.get(row.manifestDigest) ?? {sharedBytes: 0, uniqueBytes: 0}),
  }));
}
