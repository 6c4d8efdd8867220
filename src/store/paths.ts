import {join} from 'node:path';
import {type Digest, digestAlgorithm, digestHex} from '../oci/digest.ts';
import {INDEX_FILE, LAYOUT_FILE} from '../oci/image-layout.ts';

/** Where things lie below the store's root (mode 0700). */
export interface StorePaths {
  readonly root: string;
  readonly database: string;
  readonly locks: string;
  /** One lock for each lease, and beside it the list of what it claims. */
  readonly claims: string;
  /** Partial downloads, kept for a while, and half-written layers, which are garbage when nobody holds their lock. */
  readonly ingest: string;
  readonly blobs: string;
  readonly layers: string;
  /** What the layers of images show together, in files that are made again when they are missed. */
  readonly merged: string;
  /** One directory for each running container: its upper directory, bundle and configuration. */
  readonly containers: string;
  /** One directory for each container that outlives its command: what it is, what it has written, its output. */
  readonly kept: string;
  /** One file for each bundle whose root file system is mounted. */
  readonly bundles: string;
  /** One file for each network that somebody has made. */
  readonly networks: string;
  /** One directory for each named volume: what it is, and the files that containers mount. */
  readonly volumes: string;
  /** What has happened, in files that are appended to. */
  readonly events: string;
  /** Renamed first, unlinked later. */
  readonly trash: string;
  /** There when a process without syncs may have stored something since the last collection. */
  readonly unsynced: string;
  /** `oci-layout` and `index.json`, by which other tools read the store as an OCI layout; absent without images. */
  readonly layoutMark: string;
  readonly layoutIndex: string;
  /** What has been received of a blob so far. */
  partialBlob(digest: Digest): string;
  /** `blobs/<algorithm>/<hex>`: as received, so the store reads as an OCI layout's blobs. */
  blob(digest: Digest): string;
  /** `layers/<algorithm>/<hex>/layer.erofs`, named by diff id. */
  layer(diffId: Digest): string;
  /**
   * `layers/<algorithm>/<hex>/fs`: the same layer as directories, once a machine had to extract it; with other owners than
   * the layer's, `fs-<16 hex digits of whose>`.
   */
  layerTree(diffId: Digest, owners?: string): string;
  /** `merged/<algorithm>/<hex>`: the merged index of a chain of layers, named by its chain id. */
  mergedIndex(chainId: Digest): string;
}

const TREE = 'fs';

/** Whether an entry in the directory of a layer is the layer as directories. */
export const isLayerTree = (name: string): boolean => name === TREE || name.startsWith(`${TREE}-`);

/** The store's layout; no path is ever built from anything but a validated digest. */
export function storePaths(root: string): StorePaths {
  const below = (name: string) => join(root, name);
  const layers = below('layers');
  // A run asks for each layer several times, and `join` looks at every letter.
  const ofLayer = (diffId: Digest) => `${layers}/${digestAlgorithm(diffId)}/${digestHex(diffId)}`;
  return {
    root,
    database: below('winch.db'),
    locks: below('locks'),
    claims: join(root, 'locks', 'claims'),
    ingest: below('ingest'),
    blobs: below('blobs'),
    layers,
    merged: below('merged'),
    containers: below('containers'),
    kept: below('kept'),
    bundles: below('bundles'),
    networks: below('networks'),
    volumes: below('volumes'),
    events: below('events'),
    trash: below('trash'),
    unsynced: below('unsynced'),
    layoutMark: below(LAYOUT_FILE),
    layoutIndex: below(INDEX_FILE),
    partialBlob: (digest) => join(root, 'ingest', `blob-${digestAlgorithm(digest)}-${digestHex(digest)}`),
    blob: (digest) => join(root, 'blobs', digestAlgorithm(digest), digestHex(digest)),
    layer: (diffId) => `${ofLayer(diffId)}/layer.erofs`,
    layerTree: (diffId, owners) => `${ofLayer(diffId)}/${TREE}${owners === undefined ? '' : `-${owners}`}`,
    mergedIndex: (chainId) => join(root, 'merged', digestAlgorithm(chainId), digestHex(chainId)),
  };
}
