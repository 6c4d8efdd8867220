import type {DirectoryMarks} from '../host/restore-directories.ts';
import type {Digest} from '../oci/digest.ts';
import type {Database, Row, Tuple} from './database.ts';
import {noteImageSizes, noteLayerSizes} from './image-sizes.ts';

/** One layer of an image as the store knows it; sizes are bytes. */
export interface LayerRecord {
  readonly blobDigest: Digest;
  readonly blobBytes: number;
  readonly mediaType: string;
  readonly diffId: Digest;
  readonly chainId: Digest;
}

export interface StoredLayer extends LayerRecord {
  readonly tarBytes: number;
  readonly fileBytes: number;
  readonly entries: number;
  readonly whiteouts: number;
  readonly directories: DirectoryMarks;
}

export interface ImageRecord {
  readonly manifestDigest: Digest;
  readonly manifestType: string;
  readonly manifestBytes: number;
  readonly configDigest: Digest;
  readonly configBytes: number;
  readonly platform: string;
  readonly created: string | null;
  /** The chain id of the whole image; null without layers. */
  readonly chainId: Digest | null;
  readonly layerCount: number;
  /** Milliseconds since 1970. */
  readonly storedAt: number;
}

export interface LayerFileRecord {
  readonly diffId: Digest;
  readonly tarBytes: number;
  readonly fileBytes: number;
  readonly entries: number;
  readonly whiteouts: number;
  readonly directories: DirectoryMarks;
}

/** Records a layer file that is in its place; idempotent. */
export function recordLayerFile(database: Database, layer: LayerFileRecord): void {
  database.run(
    `INSERT OR REPLACE INTO layer (diff_id, tar_bytes, file_bytes, entries, whiteouts, directories)
     VALUES (?, ?, ?, ?, ?, ?)`,
    ...[layer.diffId, layer.tarBytes, layer.fileBytes, layer.entries, layer.whiteouts],
    JSON.stringify(layer.directories),
  );
  noteLayerSizes(database, layer.diffId);
}

/** Forgets a layer file that is no more. */
export function deleteLayerFile(database: Database, diffId: Digest): void {
  database.run('DELETE FROM layer WHERE diff_id = ?', diffId);
  noteLayerSizes(database, diffId);
}

export function findLayerFile(database: Database, diffId: Digest): LayerFileRecord | null {
  const row = database.get('SELECT * FROM layer WHERE diff_id = ?', diffId);
  return row ? layerFile(row) : null;
}

/** Records an image and its chain of layers, base first; idempotent. Part of the caller's transaction. */
export function recordImage(database: Database, image: ImageRecord, layers: readonly LayerRecord[]): void {
  recordChain(database, layers);
  database.run(
    `INSERT OR IGNORE INTO image (manifest_digest, manifest_type, manifest_bytes, config_digest, config_bytes,
       platform, created, chain_id, layer_count, stored_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ...[image.manifestDigest, image.manifestType, image.manifestBytes, image.configDigest, image.configBytes],
    ...[image.platform, image.created, image.chainId, image.layerCount, image.storedAt],
  );
  for (const [position, layer] of layers.entries()) {
    database.run(
      `INSERT OR IGNORE INTO image_layer (manifest_digest, position, blob_digest, blob_bytes, media_type, chain_id)
       VALUES (?, ?, ?, ?, ?, ?)`,
      ...[image.manifestDigest, position, layer.blobDigest, layer.blobBytes, layer.mediaType, layer.chainId],
    );
  }
  noteImageSizes(database, image.manifestDigest);
}

function recordChain(database: Database, layers: readonly LayerRecord[]): void {
  for (const [position, layer] of layers.entries()) {
    database.run(
      'INSERT OR IGNORE INTO chain (chain_id, diff_id, parent, depth) VALUES (?, ?, ?, ?)',
      ...[layer.chainId, layer.diffId, layers[position - 1]?.chainId ?? null, position + 1],
    );
  }
}

export function findImage(database: Database, manifestDigest: Digest): ImageRecord | null {
  const row = database.get('SELECT * FROM image WHERE manifest_digest = ?', manifestDigest);
  return row ? imageRecord(row) : null;
}

/** Every image, newest first. */
export const listImages = (database: Database): readonly ImageRecord[] => database.tuples(LIST).map(imageOfTuple);

const LIST = `
  SELECT manifest_digest, manifest_type, manifest_bytes, config_digest, config_bytes, platform, created, chain_id,
    layer_count, stored_at
  FROM image ORDER BY stored_at DESC, manifest_digest`;

function imageOfTuple(tuple: Tuple): ImageRecord {
  const [manifestDigest, manifestType, manifestBytes, configDigest, configBytes, ...rest] = tuple;
  const [platform, created, chainId, layerCount, storedAt] = rest;
  const manifest = {manifestDigest, manifestType, manifestBytes};
  return {...manifest, configDigest, configBytes, platform, created, chainId, layerCount, storedAt} as ImageRecord;
}

/** Images whose id (config digest) starts with these hex digits. */
export const findImagesById = (database: Database, hexPrefix: string): readonly ImageRecord[] =>
  database
    .all(
      `SELECT * FROM image WHERE substr(config_digest, instr(config_digest, ':') + 1, ?) = ? ORDER BY manifest_digest`,
      ...[hexPrefix.length, hexPrefix],
    )
    .map(imageRecord);

/** The layers of an image as its manifest and config list them, base first, whether their files exist or not. */
export const listedLayersOf = (database: Database, manifestDigest: Digest): readonly LayerRecord[] =>
  database
    .all(
      `SELECT blob_digest, blob_bytes, media_type, chain_id, chain.diff_id FROM image_layer JOIN chain USING (chain_id)
       WHERE manifest_digest = ? ORDER BY position`,
      manifestDigest,
    )
    .map((row) => ({...layerBlob(row), diffId: row.diff_id as Digest}));

/** The layers of an image whose files are recorded, base first. */
export const layersOf = (database: Database, manifestDigest: Digest): readonly StoredLayer[] =>
  database
    .all(
      `SELECT image_layer.blob_digest, image_layer.blob_bytes, image_layer.media_type, image_layer.chain_id, layer.*
       FROM image_layer JOIN chain USING (chain_id) JOIN layer USING (diff_id)
       WHERE manifest_digest = ? ORDER BY position`,
      manifestDigest,
    )
    .map((row) => ({...layerFile(row), ...layerBlob(row)}));

/** Removes an image; what only it needed is left to garbage collection. Whether there was such an image. */
export const deleteImage = (database: Database, manifestDigest: Digest): boolean =>
  database.run('DELETE FROM image WHERE manifest_digest = ?', manifestDigest) > 0;

/** {@link deleteImage} of many at once. */
export const deleteImages = (database: Database, manifestDigests: readonly string[]): number =>
  database.run(
    'DELETE FROM image WHERE manifest_digest IN (SELECT value FROM json_each(?))',
    JSON.stringify(manifestDigests),
  );

const layerBlob = (row: Row) => ({
  blobDigest: row.blob_digest as Digest,
  blobBytes: Number(row.blob_bytes),
  mediaType: String(row.media_type),
  chainId: row.chain_id as Digest,
});

const layerFile = (row: Row): LayerFileRecord => ({
  diffId: row.diff_id as Digest,
  tarBytes: Number(row.tar_bytes),
  fileBytes: Number(row.file_bytes),
  entries: Number(row.entries),
  whiteouts: Number(row.whiteouts),
  directories: JSON.parse(String(row.directories)) as DirectoryMarks,
});

const imageRecord = (row: Row): ImageRecord => ({
  manifestDigest: row.manifest_digest as Digest,
  manifestType: String(row.manifest_type),
  manifestBytes: Number(row.manifest_bytes),
  configDigest: row.config_digest as Digest,
  configBytes: Number(row.config_bytes),
  platform: String(row.platform),
  created: row.created === null ? null : String(row.created),
  chainId: row.chain_id === null ? null : (row.chain_id as Digest),
  layerCount: Number(row.layer_count),
  storedAt: Number(row.stored_at),
});
