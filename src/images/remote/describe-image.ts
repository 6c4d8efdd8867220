import type {CallOptions} from '../../events.ts';
import type {Annotations, Descriptor} from '../../oci/descriptor.ts';
import type {Digest} from '../../oci/digest.ts';
import {type ImageConfig, parseImageConfig} from '../../oci/image-config.ts';
import type {Manifest} from '../../oci/manifest.ts';
import {artifactTypeOf} from '../../oci/media-types.ts';
import {formatPlatform, normalizePlatform} from '../../oci/platform.ts';
import {familiarReference, type Reference} from '../../oci/reference.ts';
import type {RegistryClient} from '../../registry/client.ts';
import {readConfig} from '../resolve-image.ts';

export interface RemoteBlobDetails {
  readonly digest: Digest;
  readonly mediaType: string;
  /** As it is downloaded. */
  readonly size: number;
}

/** One image or artifact at a registry. */
export interface RemoteImageDetails {
  /** Of the manifest. */
  readonly digest: Digest;
  readonly mediaType: string;
  /** Null for an image. */
  readonly artifactType: string | null;
  /** Null: it says none, or is no image. */
  readonly platform: string | null;
  /** Bytes of manifest, config and layers; what stands in it twice counts once. */
  readonly totalBytes: number;
  readonly config: RemoteBlobDetails;
  /** Base first. */
  readonly layers: readonly RemoteBlobDetails[];
  /** As the image says it, ISO 8601 or not. */
  readonly created: string | null;
  readonly author: string | null;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly environment: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly workingDirectory: string | null;
  readonly user: string | null;
  readonly exposedPorts: readonly string[];
  readonly volumes: readonly string[];
  readonly annotations: Annotations;
}

export interface ManifestToDescribe {
  readonly descriptor: Pick<Descriptor, 'digest' | 'size'>;
  readonly manifest: Manifest;
}

/** What a manifest and its config say; the config of an artifact is not read. */
export async function describeRemoteImage(
  {client, reference}: {readonly client: RegistryClient; readonly reference: Reference},
  {descriptor, manifest}: ManifestToDescribe,
  options: CallOptions,
): Promise<RemoteImageDetails> {
  const {digest, size} = descriptor;
  const artifactType = artifactTypeOf(manifest);
  const config = artifactType === null ? await read() : null;
  return {
    digest,
    mediaType: manifest.mediaType,
    artifactType,
    platform: config === null ? null : platformOf(config),
    totalBytes: size + sumOnce([manifest.config, ...manifest.layers]),
    config: describeBlob(manifest.config),
    layers: manifest.layers.map(describeBlob),
    ...describeConfig(config),
    annotations: manifest.annotations,
  };

  async function read(): Promise<ImageConfig> {
    const bytes = await readConfig(client, reference, {descriptor: manifest.config, options});
    return parseImageConfig(bytes, {where: `config of ${familiarReference(reference)}`});
  }
}

/** Bytes to download for these blobs. */
const sumOnce = (blobs: readonly Descriptor[]): number =>
  [...new Map(blobs.map(({digest, size}) => [digest, size])).values()].reduce((sum, size) => sum + size, 0);

const describeBlob = ({digest, mediaType, size}: Descriptor): RemoteBlobDetails => ({digest, mediaType, size});

function platformOf({os, architecture, variant}: ImageConfig): string | null {
  if (os === '' && architecture === '') return null;
  return formatPlatform(normalizePlatform({os, architecture, ...(variant !== undefined && {variant})}));
}

function describeConfig(image: ImageConfig | null) {
  const {Entrypoint, Cmd, Env, Labels, WorkingDir, User, ExposedPorts, Volumes} = image?.config ?? {};
  return {
    created: image?.created ?? null,
    author: image?.author ?? null,
    entrypoint: Entrypoint ?? [],
    command: Cmd ?? [],
    environment: Env ?? [],
    labels: Labels ?? {},
    workingDirectory: WorkingDir ?? null,
    user: User ?? null,
    exposedPorts: Object.keys(ExposedPorts ?? {}),
    volumes: Object.keys(Volumes ?? {}),
  };
}
