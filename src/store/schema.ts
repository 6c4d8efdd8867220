/** The rows of `image_size`; released with its migration, so it never changes either. */
export const IMAGE_SIZES = `
  SELECT manifest_digest, sum(blob_bytes) AS blob_bytes, coalesce(sum(file_bytes), 0) AS file_bytes,
    iif(count(*) = count(tar_bytes), sum(tar_bytes), NULL) AS tar_bytes
  FROM image_layer JOIN chain USING (chain_id) LEFT JOIN layer USING (diff_id)`;

/**
 * The database's versions, oldest first; the store's version is the number of entries applied (`user_version`). An
 * entry never changes once released: a new version is a new entry.
 */
export const MIGRATIONS: readonly string[] = Object.freeze([
  `
  CREATE TABLE layer (
    diff_id      TEXT PRIMARY KEY,
    tar_bytes    INTEGER NOT NULL,
    file_bytes   INTEGER NOT NULL,
    entries      INTEGER NOT NULL,
    whiteouts    INTEGER NOT NULL,
    directories  TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE chain (
    chain_id     TEXT PRIMARY KEY,
    diff_id      TEXT NOT NULL,
    parent       TEXT REFERENCES chain (chain_id),
    depth        INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE image (
    manifest_digest TEXT PRIMARY KEY,
    manifest_type   TEXT NOT NULL,
    manifest_bytes  INTEGER NOT NULL,
    config_digest   TEXT NOT NULL,
    config_bytes    INTEGER NOT NULL,
    platform        TEXT NOT NULL,
    created         TEXT,
    chain_id        TEXT REFERENCES chain (chain_id),
    layer_count     INTEGER NOT NULL,
    stored_at       INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX image_config ON image (config_digest);
  CREATE INDEX image_chain ON image (chain_id);

  CREATE TABLE image_layer (
    manifest_digest TEXT NOT NULL REFERENCES image (manifest_digest) ON DELETE CASCADE,
    position        INTEGER NOT NULL,
    blob_digest     TEXT NOT NULL,
    blob_bytes      INTEGER NOT NULL,
    media_type      TEXT NOT NULL,
    chain_id        TEXT NOT NULL REFERENCES chain (chain_id),
    PRIMARY KEY (manifest_digest, position)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX image_layer_blob ON image_layer (blob_digest);
  CREATE INDEX image_layer_chain ON image_layer (chain_id);

  CREATE TABLE tag (
    reference       TEXT PRIMARY KEY,
    target_digest   TEXT NOT NULL,
    manifest_digest TEXT NOT NULL REFERENCES image (manifest_digest),
    updated_at      INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX tag_manifest ON tag (manifest_digest);
  `,
  // kind: image (a row of that table), index (a nested one) or blob (of what is no image: attestations, artifacts).
  `
  CREATE TABLE index_part (
    index_digest    TEXT NOT NULL,
    digest          TEXT NOT NULL,
    kind            TEXT NOT NULL,
    PRIMARY KEY (index_digest, digest)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX index_part_digest ON index_part (digest);
  INSERT OR IGNORE INTO index_part
    SELECT target_digest, manifest_digest, 'image' FROM tag WHERE target_digest <> manifest_digest;
  `,
  // What each tag came to name; no digests: it was removed. Images of the past may be gone, so nothing is referenced.
  `
  CREATE TABLE tag_event (
    reference       TEXT NOT NULL,
    number          INTEGER NOT NULL,
    target_digest   TEXT,
    manifest_digest TEXT,
    happened_at     INTEGER NOT NULL,
    PRIMARY KEY (reference, number)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO tag_event SELECT reference, 1, target_digest, manifest_digest, updated_at FROM tag;
  `,
  // Blobs of layers that are not kept beside their layer files; one that is there all the same is there.
  `
  CREATE TABLE dropped_blob (
    digest          TEXT PRIMARY KEY,
    bytes           INTEGER NOT NULL,
    dropped_at      INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  // Sums over the layers of each image that has any; tar_bytes is null while some layer is only downloaded.
  `
  CREATE TABLE image_size (
    manifest_digest TEXT PRIMARY KEY REFERENCES image (manifest_digest) ON DELETE CASCADE,
    blob_bytes      INTEGER NOT NULL,
    file_bytes      INTEGER NOT NULL,
    tar_bytes       INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX chain_layer ON chain (diff_id);
  DROP INDEX image_layer_blob;
  CREATE INDEX image_layer_blob ON image_layer (blob_digest, blob_bytes);
  INSERT INTO image_size ${IMAGE_SIZES} GROUP BY manifest_digest;
  `,
]);

/**
 * What a database of an older version lacks, as temporary views over what it has: the entry at n stands in for the
 * migration from version n to n + 1 where that cannot be made, since the store can only be read.
 */
export const STAND_INS: readonly string[] = Object.freeze([
  '',
  `
  CREATE TEMP VIEW index_part AS
    SELECT target_digest AS index_digest, manifest_digest AS digest, 'image' AS kind FROM main.tag
    WHERE target_digest <> manifest_digest;
  `,
  `
  CREATE TEMP VIEW tag_event AS
    SELECT reference, 1 AS number, target_digest, manifest_digest, updated_at AS happened_at FROM main.tag;
  `,
  'CREATE TEMP VIEW dropped_blob AS SELECT NULL AS digest, NULL AS bytes, NULL AS dropped_at WHERE 0;',
  `CREATE TEMP VIEW image_size AS ${IMAGE_SIZES} GROUP BY manifest_digest;`,
]);
