import {posix} from 'node:path';
import {WinchError} from '../errors.ts';
import type {CallOptions} from '../events.ts';
import {type FileRegion, readRegion, readWholeRegion} from '../host/file-regions.ts';
import {detectCompression, SIGNATURE_BYTES} from '../layers/compression.ts';
import type {Descriptor} from '../oci/descriptor.ts';
import {createDigester, type Digest, digestOf} from '../oci/digest.ts';
import {CONFIG_LIMIT_BYTES, checkLayerCount, parseImageConfig} from '../oci/image-config.ts';
import {INDEX_FILE, LAYOUT_FILE} from '../oci/image-layout.ts';
import {
  type LayerCompression,
  OCI_CONFIG,
  OCI_LAYER,
  OCI_LAYER_GZIP,
  OCI_LAYER_ZSTD,
  OCI_MANIFEST,
} from '../oci/media-types.ts';
import type {BlobOptions, ContentDocument, ContentSource} from './content.ts';
import {readDocument} from './content-document.ts';
import {
  chooseDockerImage,
  DOCKER_MANIFEST_FILE,
  DOCKER_MANIFEST_LIMIT_BYTES,
  type DockerManifestEntry,
  parseDockerManifest,
} from './docker-manifest.ts';
import {type FileSet, readSmallFile} from './file-set.ts';
import {type LayoutPlace, openLayoutSource} from './layout-source.ts';

/** What a layer's compression makes of its media type. */
export const LAYER_TYPES: Readonly<Record<LayerCompression, string>> = {
  none: OCI_LAYER,
  gzip: OCI_LAYER_GZIP,
  zstd: OCI_LAYER_ZSTD,
};
const HEX_NAME_PATTERN = /^([0-9a-f]{64})(?:\.json)?$/;

/**
 * An image in an archive of `docker save`. Newer ones are OCI layouts as well and read as such; for the others a manifest
 * is made, of which the config and the layers are as the archive has them.
 *
 * @throws {WinchError} `ARCHIVE_INVALID` | `LIMIT_FILE` (manifest.json 1 MiB) | `IMAGE_AMBIGUOUS` | `DIGEST_MISMATCH` …
 */
export async function openDockerArchiveSource(place: LayoutPlace, options: CallOptions): Promise<ContentSource> {
  const {name, files, selection} = place;
  if ((await files.find(INDEX_FILE)) && (await files.find(LAYOUT_FILE))) return openLayoutSource(place, options);
  const {signal} = options;
  const limits = {path: DOCKER_MANIFEST_FILE, limitBytes: DOCKER_MANIFEST_LIMIT_BYTES, signal};
  const bytes = await readSmallFile(files, limits);
  if (bytes === null) throw invalid(files.name, `has no ${DOCKER_MANIFEST_FILE}`);
  const entry = chooseDockerImage(parseDockerManifest(bytes, files.name), selection, files.name);
  const {root, regions} = await readImage(files, entry, options);
  const regionOf = (digest: Digest) => regions.get(digest) ?? unknownBlob(files.name, digest);
  return {
    name,
    rootDigest: async () => root.descriptor.digest,
    root: async () => root,
    document: async ({digest}) => (digest === root.descriptor.digest ? root : unknownBlob(files.name, digest)),
    blob: ({digest}) => ({
      open: (offset, call?: BlobOptions) => readRegion(regionOf(digest), offset, call),
    }),
    blobFile: () => null,
    referrers: async () => [],
    repositories: [],
    close: () => files.close(),
  };
}

interface ReadImage {
  readonly root: ContentDocument;
  readonly regions: ReadonlyMap<Digest, FileRegion>;
}

async function readImage(files: FileSet, entry: DockerManifestEntry, {signal}: CallOptions): Promise<ReadImage> {
  const configRegion = await requireFile(files, entry.config);
  const bytes = await readSmallFile(files, {path: entry.config, limitBytes: CONFIG_LIMIT_BYTES, signal});
  if (bytes === null) throw invalid(files.name, `lacks ${entry.config}`);
  const configDigest = checkedDigest(files.name, entry.config, bytes);
  const config = parseImageConfig(bytes, {where: `config ${entry.config} in ${files.name}`});
  const regions = new Map<Digest, FileRegion>([[configDigest, configRegion]]);
  const layers: Descriptor[] = [];
  checkLayerCount({layers: entry.layers.map(() => ({mediaType: OCI_LAYER, digest: configDigest, size: 0}))}, config);
  for (const [at, diffId] of config.rootfs.diff_ids.entries()) {
    const region = await requireFile(files, entry.layers[at] ?? '');
    const layer = await describeLayer(region, diffId, signal);
    regions.set(layer.digest, region);
    layers.push(layer);
  }
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: {mediaType: OCI_CONFIG, digest: configDigest, size: bytes.length},
    layers,
  };
  const where = `the image in ${files.name}`;
  return {root: readDocument({bytes: Buffer.from(JSON.stringify(manifest)), where}), regions};
}

/** A plain tar's digest is its diff id, which whoever copies it checks; a packed one has to be read for its own. */
async function describeLayer(region: FileRegion, diffId: Digest, signal?: AbortSignal): Promise<Descriptor> {
  const head = await readWholeRegion({...region, size: Math.min(region.size, SIGNATURE_BYTES)}, {signal});
  const compression = detectCompression(head);
  const digest = compression === 'none' ? diffId : await hashRegion(region, signal);
  return {mediaType: LAYER_TYPES[compression], digest, size: region.size};
}

export async function hashRegion(region: FileRegion, signal?: AbortSignal): Promise<Digest> {
  const digester = createDigester();
  for await (const chunk of readRegion(region, 0, {signal})) digester.update(chunk);
  return digester.digest();
}

/** Configs are named by their digests; one that is not its name was changed. */
function checkedDigest(archive: string, path: string, bytes: Buffer): Digest {
  const digest = digestOf(bytes);
  const named = HEX_NAME_PATTERN.exec(posix.basename(path))?.[1];
  if (named === undefined || digest === `sha256:${named}`) return digest;
  throw new WinchError('DIGEST_MISMATCH', `${path} in ${archive} has the digest ${digest}`, {
    kind: 'refused',
    hint: 'the archive was changed or damaged; write it anew',
  });
}

async function requireFile(files: FileSet, path: string): Promise<FileRegion> {
  const region = await files.find(path);
  if (region) return region;
  throw invalid(files.name, `lacks ${JSON.stringify(path)}`);
}

function unknownBlob(archive: string, digest: Digest): never {
  throw invalid(archive, `has nothing with the digest ${digest}`);
}

const invalid = (archive: string, fault: string): WinchError =>
  new WinchError('ARCHIVE_INVALID', `${archive} ${fault}`, {
    kind: 'refused',
    hint: 'it is no archive of docker save, or it is damaged',
  });
