/** OCI types (image-spec v1.1.1 media-types.md). */
export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
export const OCI_CONFIG = 'application/vnd.oci.image.config.v1+json';
/** Of image-spec 1.1 release candidates; some registries still hold such documents. */
const OCI_ARTIFACT_MANIFEST = 'application/vnd.oci.artifact.manifest.v1+json';
export const OCI_LAYER = 'application/vnd.oci.image.layer.v1.tar';
export const OCI_LAYER_GZIP = 'application/vnd.oci.image.layer.v1.tar+gzip';
export const OCI_LAYER_ZSTD = 'application/vnd.oci.image.layer.v1.tar+zstd';
export const OCI_FOREIGN_LAYER = 'application/vnd.oci.image.layer.nondistributable.v1.tar';
export const OCI_FOREIGN_LAYER_GZIP = 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip';
export const OCI_FOREIGN_LAYER_ZSTD = 'application/vnd.oci.image.layer.nondistributable.v1.tar+zstd';

/** Docker's types (distribution docs/content/spec/manifest-v2-2.md). */
export const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
export const DOCKER_MANIFEST_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json';
export const DOCKER_CONFIG = 'application/vnd.docker.container.image.v1+json';
export const DOCKER_LAYER = 'application/vnd.docker.image.rootfs.diff.tar';
export const DOCKER_LAYER_GZIP = 'application/vnd.docker.image.rootfs.diff.tar.gzip';
export const DOCKER_LAYER_ZSTD = 'application/vnd.docker.image.rootfs.diff.tar.zstd';
export const DOCKER_FOREIGN_LAYER = 'application/vnd.docker.image.rootfs.foreign.diff.tar';
export const DOCKER_FOREIGN_LAYER_GZIP = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip';
export const DOCKER_MANIFEST_V1 = 'application/vnd.docker.distribution.manifest.v1+json';
export const DOCKER_MANIFEST_V1_SIGNED = 'application/vnd.docker.distribution.manifest.v1+prettyjws';

/** The `Accept` header of a manifest request: every type that `parseManifestDocument` reads. */
export const MANIFEST_ACCEPT = [OCI_INDEX, OCI_MANIFEST, DOCKER_MANIFEST_LIST, DOCKER_MANIFEST].join(', ');

/** The `Accept` header for a document's bytes, whatever it is. */
export const RAW_MANIFEST_ACCEPT = `${MANIFEST_ACCEPT}, ${OCI_ARTIFACT_MANIFEST}, */*;q=0.1`;

export type LayerCompression = 'gzip' | 'zstd' | 'none';

const LAYER_COMPRESSIONS: ReadonlyMap<string, LayerCompression> = new Map([
  [OCI_LAYER, 'none'],
  [OCI_LAYER_GZIP, 'gzip'],
  [OCI_LAYER_ZSTD, 'zstd'],
  [OCI_FOREIGN_LAYER, 'none'],
  [OCI_FOREIGN_LAYER_GZIP, 'gzip'],
  [OCI_FOREIGN_LAYER_ZSTD, 'zstd'],
  [DOCKER_LAYER, 'none'],
  [DOCKER_LAYER_GZIP, 'gzip'],
  [DOCKER_LAYER_ZSTD, 'zstd'],
  [DOCKER_FOREIGN_LAYER, 'none'],
  [DOCKER_FOREIGN_LAYER_GZIP, 'gzip'],
]);

/** Whether a document of this type is the manifest of one image or artifact. */
export const isManifestType = (mediaType: string): boolean =>
  mediaType === OCI_MANIFEST || mediaType === DOCKER_MANIFEST;

/** Whether a document of this type lists manifests. */
export const isIndexType = (mediaType: string): boolean =>
  mediaType === OCI_INDEX || mediaType === DOCKER_MANIFEST_LIST;

/** Whether a document of this type is a Docker schema 1 manifest, which this toolkit does not read. */
export const isSchema1Type = (mediaType: string): boolean =>
  mediaType === DOCKER_MANIFEST_V1 || mediaType === DOCKER_MANIFEST_V1_SIGNED;

/** How a layer's bytes are packed; `unknown` for encrypted layers and whatever else is no plain changeset. */
export const layerCompression = (mediaType: string): LayerCompression | 'unknown' =>
  LAYER_COMPRESSIONS.get(mediaType) ?? 'unknown';

/** Whether the layer may be fetched from its `urls` only (image-spec v1.1.1 layer.md#non-distributable-layers). */
export const isForeignLayer = (mediaType: string): boolean =>
  mediaType.startsWith('application/vnd.oci.image.layer.nondistributable.') ||
  mediaType.startsWith('application/vnd.docker.image.rootfs.foreign.');

/** Whether the layer's bytes are encrypted (containers/ocicrypt docs: `+encrypted` and its algorithm end the type). */
export const isEncryptedLayer = (mediaType: string): boolean => /\+encrypted(?:$|[+;])/.test(mediaType);

/** Whether the layer is a whole file system for the kernel to mount, and no changeset. */
export const isFileSystemLayer = (mediaType: string): boolean => /[.+](?:erofs|squashfs)\b/.test(mediaType);

/** Config types of images, and what old registries wrote in their place (distribution/distribution#1621, moby#22378). */
const IMAGE_CONFIG_TYPES: readonly string[] = [
  ...[OCI_CONFIG, DOCKER_CONFIG],
  ...['application/octet-stream', 'application/json', 'text/html'],
];

/**
 * The type of an artifact that is no image (a Helm chart, a signature, an SBOM …); null for an image.
 *
 * @see image-spec v1.1.1 manifest.md#guidelines-for-artifact-usage
 */
export function artifactTypeOf(manifest: {
  readonly artifactType?: string;
  readonly config: {readonly mediaType: string};
}): string | null {
  const {mediaType} = manifest.config;
  return IMAGE_CONFIG_TYPES.includes(mediaType) ? null : (manifest.artifactType ?? mediaType);
}
