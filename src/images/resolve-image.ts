import {WinchError} from '../errors.ts';
import type {CallOptions} from '../events.ts';
import type {Descriptor} from '../oci/descriptor.ts';
import {type Digest, digestAlgorithm, digestOf} from '../oci/digest.ts';
import {CONFIG_LIMIT_BYTES, checkLayerCount, type ImageConfig, parseImageConfig} from '../oci/image-config.ts';
import type {Manifest} from '../oci/manifest.ts';
import {isForeignLayer} from '../oci/media-types.ts';
import {normalizePlatform, type Platform} from '../oci/platform.ts';
import {familiarReference, type Reference} from '../oci/reference.ts';
import type {RegistryClient} from '../registry/client.ts';
import {fetchManifest, type ResolveTarget, tagOrDigest} from './fetch-manifest.ts';

const ENCRYPTED_SUFFIX = '+encrypted';

export interface Document {
  readonly digest: Digest;
  readonly bytes: Buffer;
}

/** What a reference names at its registry, all of it verified against its digests. */
export interface ResolvedImage {
  /** Of the index when there is one, else of the manifest. */
  readonly targetDigest: Digest;
  readonly manifestDigest: Digest;
  readonly manifestBytes: number;
  readonly mediaType: string;
  readonly manifest: Manifest;
  readonly config: ImageConfig;
  readonly platform: Platform;
  /** The index, manifest and config as received. */
  readonly documents: readonly Document[];
}

/**
 * Follows a reference through index and manifest to its config.
 *
 * @throws {WinchError} `MANIFEST_UNKNOWN` (naming tags that exist nearby) | `PLATFORM_MISSING` (naming the platforms on
 * offer) | `MANIFEST_INVALID` … | `FOREIGN_LAYER`
 * @see distribution-spec v1.1.1 spec.md#pulling-manifests
 */
export async function resolveImage(
  registry: RegistryClient,
  target: ResolveTarget,
  options: CallOptions,
): Promise<ResolvedImage> {
  const {reference} = target;
  const found = await fetchManifest(registry, target, options);
  const {manifest, manifestBytes, manifestDigest} = found;
  refuseLayers(manifest, reference);
  const configBytes = await readConfig(registry, reference, {descriptor: manifest.config, options});
  const config = parseImageConfig(configBytes, {where: `config of ${familiarReference(reference)}`});
  checkLayerCount(manifest, config);
  return {
    targetDigest: found.targetDigest,
    manifestDigest,
    manifestBytes: manifestBytes.length,
    mediaType: manifest.mediaType,
    manifest,
    config,
    platform: configPlatform(config),
    documents: [
      ...found.indexes,
      {digest: manifestDigest, bytes: manifestBytes},
      {digest: manifest.config.digest, bytes: configBytes},
    ],
  };
}

/** The digest that a tag names now, by the cheapest request that tells. */
export async function resolveTargetDigest(
  registry: RegistryClient,
  reference: Reference,
  {signal}: CallOptions,
): Promise<Digest | null> {
  const head = await registry.headManifest(reference, tagOrDigest(reference), {signal});
  return head?.digest ?? null;
}

async function readConfig(
  registry: RegistryClient,
  reference: Reference,
  {descriptor, options}: {descriptor: Descriptor; options: CallOptions},
): Promise<Buffer> {
  if (descriptor.size > CONFIG_LIMIT_BYTES) {
    throw new WinchError('CONFIG_TOO_LARGE', `config ${descriptor.digest} has ${descriptor.size} bytes`, {
      kind: 'refused',
    });
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of await registry.openBlob(reference, descriptor, {signal: options.signal}))
    chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  if (digestOf(bytes, digestAlgorithm(descriptor.digest)) === descriptor.digest) return bytes;
  throw new WinchError('DIGEST_MISMATCH', `the bytes received for config ${descriptor.digest} have another digest`, {
    kind: 'refused',
    hint: 'the registry or a proxy serves wrong data; nothing was kept',
  });
}

function refuseLayers(manifest: Manifest, reference: Reference): void {
  const name = familiarReference(reference);
  for (const {mediaType, digest} of manifest.layers) {
    if (isForeignLayer(mediaType)) {
      throw new WinchError('FOREIGN_LAYER', `layer ${digest} of ${name} is not kept by the registry (${mediaType})`, {
        kind: 'refused',
        hint: 'images with foreign (Windows) layers cannot be pulled',
      });
    }
    if (mediaType.endsWith(ENCRYPTED_SUFFIX)) {
      throw new WinchError('LAYER_ENCRYPTED', `layer ${digest} of ${name} is encrypted (${mediaType})`, {
        kind: 'refused',
        hint: 'decrypt the image before it is pushed',
      });
    }
  }
}

const configPlatform = ({os, architecture, variant}: ImageConfig): Platform =>
  normalizePlatform({os, architecture, ...(variant === undefined ? {} : {variant})});
