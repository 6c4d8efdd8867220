import {WinchError} from '../errors.ts';
import type {CallOptions} from '../events.ts';
import {chainIds} from '../oci/chain-id.ts';
import type {Descriptor} from '../oci/descriptor.ts';
import {type Digest, digestAlgorithm, digestOf} from '../oci/digest.ts';
import {CONFIG_LIMIT_BYTES, checkLayerCount, type ImageConfig, parseImageConfig} from '../oci/image-config.ts';
import type {Manifest} from '../oci/manifest.ts';
import {artifactTypeOf, isEncryptedLayer, isFileSystemLayer} from '../oci/media-types.ts';
import {normalizePlatform, type Platform} from '../oci/platform.ts';
import {familiarReference, type Reference} from '../oci/reference.ts';
import type {RegistryClient} from '../registry/client.ts';
import type {LayerRecord} from '../store/image-records.ts';
import {fetchManifest, type ResolveTarget} from './fetch-manifest.ts';

export interface Document {
  readonly digest: Digest;
  readonly bytes: Buffer;
}

/** What the graph records of an image. */
export interface ImageToRecord {
  readonly manifestDigest: Digest;
  readonly manifestBytes: number;
  readonly manifest: Manifest;
  readonly platform: Platform;
  readonly created: string | null;
  /** Base first. */
  readonly layers: readonly LayerRecord[];
}

/** What a reference names at its registry, all of it verified against its digests. */
export interface ResolvedImage extends ImageToRecord {
  /** Of the index when there is one, else of the manifest. */
  readonly targetDigest: Digest;
  /** The indexes that led here, outermost first. */
  readonly indexes: readonly Digest[];
  readonly config: ImageConfig;
  /** The indexes, manifest and config as received. */
  readonly documents: readonly Document[];
}

export interface ManifestToResolve {
  readonly reference: Reference;
  readonly digest: Digest;
  readonly size: number;
  readonly manifest: Manifest;
}

export interface ResolvedManifest extends ImageToRecord {
  readonly config: ImageConfig;
  readonly configBytes: Buffer;
}

/**
 * Follows a reference through index and manifest to its config.
 *
 * @throws {WinchError} `MANIFEST_UNKNOWN` (naming tags that exist nearby) | `PLATFORM_MISSING` (naming the platforms on
 * offer) | `MANIFEST_INVALID` … | `ARTIFACT_NOT_IMAGE` | `LAYER_ENCRYPTED` |
 * `LAYER_UNSUPPORTED`
 * @see distribution-spec v1.1.1 spec.md#pulling-manifests
 */
export async function resolveImage(
  registry: RegistryClient,
  target: ResolveTarget,
  options: CallOptions,
): Promise<ResolvedImage> {
  const {reference} = target;
  const {targetDigest, digest, bytes, manifest, indexes} = await fetchManifest(registry, target, options);
  const found = {reference, digest, size: bytes.length, manifest};
  const {configBytes, ...image} = await resolveManifest(registry, found, options);
  return {
    ...image,
    targetDigest,
    indexes: indexes.map((index) => index.digest),
    documents: [...indexes, {digest, bytes}, {digest: manifest.config.digest, bytes: configBytes}],
  };
}

/** A manifest with its config and what the two say together. */
export async function resolveManifest(
  registry: RegistryClient,
  {reference, digest, size, manifest}: ManifestToResolve,
  options: CallOptions,
): Promise<ResolvedManifest> {
  const name = familiarReference(reference);
  refuseArtifact(manifest, name);
  refuseEncryption(manifest, name);
  refuseFileSystems(manifest, name);
  const configBytes = await readConfig(registry, reference, {descriptor: manifest.config, options});
  const config = parseImageConfig(configBytes, {where: `config of ${name}`});
  checkLayerCount(manifest, config);
  return {
    manifestDigest: digest,
    manifestBytes: size,
    manifest,
    config,
    platform: configPlatform(config),
    created: config.created ?? null,
    layers: layerRecords(manifest, config),
    configBytes,
  };
}

/**
 * The bytes of a config, verified.
 *
 * @throws {WinchError} `CONFIG_TOO_LARGE` (4 MiB) | `DIGEST_MISMATCH`, and those of `RegistryClient.openBlob`
 */
export async function readConfig(
  registry: RegistryClient,
  reference: Reference,
  {descriptor, options}: {descriptor: Descriptor; options: CallOptions},
): Promise<Buffer> {
  if (descriptor.size > CONFIG_LIMIT_BYTES) {
    throw new WinchError('CONFIG_TOO_LARGE', `config ${descriptor.digest} has ${descriptor.size} bytes`, {
      kind: 'refused',
      hint: `no image needs more than ${CONFIG_LIMIT_BYTES}`,
    });
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of await registry.openBlob(reference, descriptor, options)) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  if (digestOf(bytes, digestAlgorithm(descriptor.digest)) === descriptor.digest) return bytes;
  throw new WinchError('DIGEST_MISMATCH', `the bytes received for config ${descriptor.digest} have another digest`, {
    kind: 'refused',
    hint: 'the registry or a proxy serves wrong data; nothing was kept',
  });
}

function refuseArtifact(manifest: Manifest, name: string): void {
  const artifactType = artifactTypeOf(manifest);
  if (artifactType === null) return;
  throw new WinchError('ARTIFACT_NOT_IMAGE', `${name} is no image but an artifact of type ${artifactType}`, {
    kind: 'refused',
    hint: `winch copy ${name} oci:DIR fetches all of it, winch blob get one file of it`,
    details: {artifactType},
  });
}

function refuseEncryption({layers}: Manifest, name: string): void {
  const encrypted = layers.find(({mediaType}) => isEncryptedLayer(mediaType));
  if (!encrypted) return;
  const {digest, mediaType} = encrypted;
  throw new WinchError('LAYER_ENCRYPTED', `layer ${digest} of ${name} is encrypted (${mediaType})`, {
    kind: 'refused',
    hint: 'decrypt the image before it is pushed',
  });
}

function refuseFileSystems({layers}: Manifest, name: string): void {
  const found = layers.find(({mediaType}) => isFileSystemLayer(mediaType));
  if (!found) return;
  const {digest, mediaType} = found;
  throw new WinchError('LAYER_UNSUPPORTED', `layer ${digest} of ${name} is a file system (${mediaType}), and no tar`, {
    kind: 'refused',
    hint: 'the kernel would have to trust it: only what is made here of a tar is mounted',
  });
}

function layerRecords(manifest: Manifest, {rootfs}: ImageConfig): readonly LayerRecord[] {
  const chains = chainIds(rootfs.diff_ids);
  return manifest.layers.map((layer, position) => {
    const diffId = rootfs.diff_ids[position];
    const chainId = chains[position];
    if (diffId === undefined || chainId === undefined) throw new Error('layer count was checked before');
    return {blobDigest: layer.digest, blobBytes: layer.size, mediaType: layer.mediaType, diffId, chainId};
  });
}

const configPlatform = ({os, architecture, variant}: ImageConfig): Platform =>
  normalizePlatform({os, architecture, ...(variant === undefined ? {} : {variant})});
