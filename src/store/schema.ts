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
]);
