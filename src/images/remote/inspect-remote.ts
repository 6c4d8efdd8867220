import type {CallOptions} from '../../events.ts';
import {runTogether} from '../../host/run-together.ts';
import type {Annotations} from '../../oci/descriptor.ts';
import type {Digest} from '../../oci/digest.ts';
import type {ImageIndex} from '../../oci/image-index.ts';
import {type Manifest, parseManifestDocument} from '../../oci/manifest.ts';
import {formatPlatform, isAttestation, normalizePlatform, type Platform, parsePlatform} from '../../oci/platform.ts';
import {familiarReference, parseReference, type Reference, repositoryName} from '../../oci/reference.ts';
import type {RegistryClient} from '../../registry/client.ts';
import {fetchDocument, fetchManifest, whereOf} from '../fetch-manifest.ts';
import {walkIndex} from '../walk-index.ts';
import type {RemoteContext, RemotePlatformOptions} from './context.ts';
import {describeRemoteImage, type ManifestToDescribe, type RemoteImageDetails} from './describe-image.ts';
import {listRemoteTags} from './list-tags.ts';

export interface RemoteImage {
  readonly reference: string;
  /** What the name leads to: the index where there is one. */
  readonly digest: Digest;
  readonly mediaType: string;
  /** Of that document, in bytes. */
  readonly size: number;
  readonly annotations: Annotations;
  /** What the index offers, attestations left out; for a lone manifest its own. */
  readonly platforms: readonly RemotePlatform[];
  /** The image for the chosen platform, or all of them. */
  readonly images: readonly RemoteImageDetails[];
  /** Null: not asked for. */
  readonly tags: readonly string[] | null;
}

export interface RemotePlatform {
  /** Null: nothing is said. */
  readonly platform: string | null;
  readonly digest: Digest;
  readonly mediaType: string;
  /** Bytes of manifest, config and layers; null: that manifest was not read. */
  readonly totalBytes: number | null;
}

/** `platform` chooses from an index. Default: this machine's. */
export interface InspectRemoteOptions extends RemotePlatformOptions {
  /** Reads the manifest and the config of every platform. */
  readonly allPlatforms?: boolean | undefined;
  /** Lists the tags of the repository as well. */
  readonly withTags?: boolean | undefined;
}

const CONFIGS_AT_ONCE = 3;

/**
 * Everything about an image that can be known without downloading a layer.
 *
 * @throws {WinchError} `MANIFEST_UNKNOWN`, `PLATFORM_MISSING`, those of `parseManifestDocument`, `walkIndex`,
 * `parseImageConfig` and `RegistryClient`
 */
export async function inspectRemoteImage(
  context: RemoteContext,
  text: string,
  inspection: InspectRemoteOptions = {},
): Promise<RemoteImage> {
  const {platform, allPlatforms = false, withTags = false, ...options} = inspection;
  const reference = parseReference(text);
  const wanted = platform === undefined ? context.hostPlatform : parsePlatform(platform);
  const client = await context.registry();
  const place = {client, reference};
  const found = allPlatforms ? await readAll(place, options) : await readOne(place, wanted, options);
  const images = await describeAll(place, found.members, options);
  return {
    reference: familiarReference(reference),
    digest: found.digest,
    mediaType: found.document.mediaType,
    size: found.size,
    annotations: found.document.annotations,
    platforms: listPlatforms(found, images, allPlatforms),
    images,
    tags: withTags ? (await listRemoteTags(context, repositoryName(reference), options)).tags : null,
  };
}

interface Place {
  readonly client: RegistryClient;
  readonly reference: Reference;
}

interface Found {
  readonly digest: Digest;
  readonly size: number;
  readonly document: Manifest | ImageIndex;
  readonly members: readonly Member[];
}

interface Member extends ManifestToDescribe {
  /** As the index says it. */
  readonly platform: Platform | undefined;
}

async function readOne({client, reference}: Place, platform: Platform, options: CallOptions): Promise<Found> {
  const {digest, bytes, manifest, indexes} = await fetchManifest(client, {reference, platform}, options);
  const members = [{descriptor: {digest, size: bytes.length}, manifest, platform: undefined}];
  const [root] = indexes;
  if (root === undefined) return {digest, size: bytes.length, document: manifest, members};
  const document = parseManifestDocument(root.bytes, {where: whereOf(reference)});
  return {digest: root.digest, size: root.bytes.length, document, members};
}

async function readAll({client, reference}: Place, options: CallOptions): Promise<Found> {
  const {digest, bytes, document} = await fetchDocument(client, {reference}, options);
  const size = bytes.length;
  if (document.kind === 'manifest') {
    const members = [{descriptor: {digest, size}, manifest: document, platform: undefined}];
    return {digest, size, document, members};
  }
  const read = async (descriptor: Parameters<typeof fetchDocument>[1]['descriptor'], callOptions: CallOptions) =>
    (await fetchDocument(client, {reference, descriptor}, callOptions)).document;
  const {manifests} = await walkIndex({index: document, reference}, read, options);
  const members = manifests
    .filter(({descriptor}) => !isAttestation(descriptor))
    .map((member) => ({...member, platform: member.descriptor.platform}));
  return {digest, size, document, members};
}

async function describeAll(place: Place, members: readonly Member[], options: CallOptions) {
  const images: RemoteImageDetails[] = [];
  const tasks = members.map((member, at) => async (signal: AbortSignal) => {
    images[at] = await describeRemoteImage(place, member, {...options, signal});
  });
  await runTogether(tasks, {limit: CONFIGS_AT_ONCE, signal: options.signal});
  return images;
}

function listPlatforms(
  {document, members}: Found,
  images: readonly RemoteImageDetails[],
  isComplete: boolean,
): readonly RemotePlatform[] {
  if (document.kind === 'manifest' || isComplete) {
    return images.map(({digest, mediaType, platform, totalBytes}, at) => ({
      platform: describePlatform(members[at]?.platform) ?? platform,
      digest,
      mediaType,
      totalBytes,
    }));
  }
  const sizes = new Map(images.map(({digest, totalBytes}) => [digest, totalBytes]));
  return document.manifests
    .filter((entry) => !isAttestation(entry))
    .map(({digest, mediaType, platform}) => ({
      platform: describePlatform(platform),
      digest,
      mediaType,
      totalBytes: sizes.get(digest) ?? null,
    }));
}

const describePlatform = (platform: Platform | undefined): string | null =>
  platform === undefined ? null : formatPlatform(normalizePlatform(platform));
