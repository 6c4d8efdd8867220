import type {Digest} from '../oci/digest.ts';
import type {Database, Row} from './database.ts';

export interface Share {
  readonly sharedBytes: number;
  readonly uniqueBytes: number;
}

/** A blob or a layer file, and who uses it. */
interface Part {
  readonly bytes: number;
  users: number;
  /** Images are counted one after the other, so that a part which an image has twice is known by its last user. */
  lastUser: unknown;
}

/**
 * What each image shares with others and has alone, in bytes on disk.
 *
 * Counted here and not by SQLite, which sorts every part of every image for it: three times as long with 2 000 images.
 */
export function readShares(database: Database): ReadonlyMap<Digest, Share> {
  const blobs = new Map<unknown, Part>();
  const files = readFiles(database);
  const parts = new Map<Digest, Part[]>();
  const use = (image: unknown, part: Part) => {
    if (part.lastUser === image) return;
    part.lastUser = image;
    part.users++;
    parts.get(image as Digest)?.push(part);
  };
  const layers = Map.groupBy(
    database.all('SELECT manifest_digest, blob_digest, blob_bytes, chain_id FROM image_layer'),
    (row) => row.manifest_digest,
  );
  for (const row of database.all('SELECT manifest_digest, manifest_bytes, config_digest, config_bytes FROM image')) {
    const image = row.manifest_digest;
    parts.set(image as Digest, []);
    use(image, partOf(blobs, image, row.manifest_bytes));
    use(image, partOf(blobs, row.config_digest, row.config_bytes));
    for (const layer of layers.get(image ?? null) ?? []) {
      use(image, partOf(blobs, layer.blob_digest, layer.blob_bytes));
      const file = files.get(layer.chain_id);
      if (file) use(image, file);
    }
  }
  return new Map([...parts].map(([image, used]) => [image, shareOf(used)]));
}

function partOf(parts: Map<unknown, Part>, key: unknown, bytes: Row[string] | undefined): Part {
  const known = parts.get(key);
  if (known) return known;
  const part = {bytes: Number(bytes), users: 0, lastUser: null};
  parts.set(key, part);
  return part;
}

/** The layer file of each chain's topmost layer, where it is recorded; chains with the same layer share it. */
function readFiles(database: Database): ReadonlyMap<unknown, Part> {
  const files = new Map<unknown, Part>();
  const chains = database.all('SELECT chain_id, diff_id, file_bytes FROM chain JOIN layer USING (diff_id)');
  return new Map(chains.map((row) => [row.chain_id, partOf(files, row.diff_id, row.file_bytes)]));
}

function shareOf(parts: readonly Part[]): Share {
  let sharedBytes = 0;
  let uniqueBytes = 0;
  for (const {bytes, users} of parts) {
    if (users > 1) sharedBytes += bytes;
    else uniqueBytes += bytes;
  }
  return {sharedBytes, uniqueBytes};
}
