import {isWinchError, reword, WinchError} from '../errors.ts';
import type {CallOptions} from '../events.ts';
import type {Descriptor} from '../oci/descriptor.ts';
import type {Digest} from '../oci/digest.ts';
import type {ImageIndex} from '../oci/image-index.ts';
import {type Manifest, parseManifestDocument} from '../oci/manifest.ts';
import {formatPlatform, type Platform, platformsOf, selectPlatform} from '../oci/platform.ts';
import {familiarReference, type Reference} from '../oci/reference.ts';
import type {RegistryClient} from '../registry/client.ts';
import {nearestTags} from '../registry/tags.ts';

export interface ResolveTarget {
  readonly reference: Reference;
  readonly platform: Platform;
}

/** A manifest and the indexes that led to it, outermost first. */
export interface FoundManifest {
  readonly targetDigest: Digest;
  readonly digest: Digest;
  readonly manifest: Manifest;
  readonly bytes: Buffer;
  readonly indexes: readonly {readonly digest: Digest; readonly bytes: Buffer}[];
}

export const INDEX_DEPTH_LIMIT = 4;

/**
 * Follows a reference to the manifest for a platform.
 *
 * @throws {WinchError} `MANIFEST_UNKNOWN` (naming tags that exist nearby) | `PLATFORM_MISSING` (naming the platforms on
 * offer) | `LIMIT_INDEX_DEPTH` | as `parseManifestDocument`
 */
export async function fetchManifest(
  registry: RegistryClient,
  target: ResolveTarget,
  options: CallOptions,
): Promise<FoundManifest> {
  const {reference, platform} = target;
  const indexes: {digest: Digest; bytes: Buffer}[] = [];
  let targetDigest: Digest | undefined;
  let descriptor: Descriptor | undefined;
  while (indexes.length < INDEX_DEPTH_LIMIT) {
    const {digest, bytes, document} = await fetchDocument(registry, {reference, descriptor}, options);
    targetDigest ??= digest;
    if (document.kind === 'manifest') return {targetDigest, digest, bytes, manifest: document, indexes};
    indexes.push({digest, bytes});
    descriptor = selectPlatform(document, platform) ?? missingPlatform(document, target);
  }
  throw indexTooDeep(reference);
}

export interface DocumentRequest {
  readonly reference: Reference;
  /** Of a document below the one that the reference names; absent: that one. */
  readonly descriptor?: Descriptor | undefined;
}

/** A manifest or index as received, verified against what led to it. */
export interface FetchedDocument {
  readonly digest: Digest;
  readonly bytes: Buffer;
  readonly document: Manifest | ImageIndex;
}

/** Reads what a reference, or a descriptor of the same repository, names. */
export async function fetchDocument(
  registry: RegistryClient,
  {reference, descriptor}: DocumentRequest,
  options: CallOptions,
): Promise<FetchedDocument> {
  const name = descriptor?.digest ?? tagOrDigest(reference);
  const {digest, bytes, contentType} = await getManifest(registry, reference, {name, options});
  const document = parseManifestDocument(bytes, {
    contentType,
    where: whereOf(reference),
    ...(descriptor && {descriptor}),
  });
  return {digest, bytes, document};
}

/** The document in a message. */
export const whereOf = (reference: Reference): string => `manifest of ${familiarReference(reference)}`;

export const indexTooDeep = (reference: Reference): WinchError =>
  new WinchError('LIMIT_INDEX_DEPTH', `${whereOf(reference)} nests indexes deeper than ${INDEX_DEPTH_LIMIT}`, {
    kind: 'refused',
    hint: 'the image has to be pushed anew',
  });

interface ManifestRequest {
  readonly name: string;
  readonly options: CallOptions;
}

async function getManifest(registry: RegistryClient, reference: Reference, {name, options}: ManifestRequest) {
  try {
    return await registry.getManifest(reference, name, options);
  } catch (error) {
    if (!isWinchError(error, 'MANIFEST_UNKNOWN') || reference.tag !== name) throw error;
    throw await withNearbyTags(registry, reference, {error, options});
  }
}

async function withNearbyTags(
  registry: RegistryClient,
  reference: Reference,
  {error, options}: {error: WinchError; options: CallOptions},
): Promise<WinchError> {
  try {
    const tags = await registry.listTags(reference, {...options, limit: 1000});
    const near = nearestTags(reference.tag ?? '', tags);
    if (near.length === 0) return error;
    return reword(error, {hint: `tags that exist: ${near.join(', ')}`, details: {tags: near}});
  } catch (listError) {
    // The list is a courtesy: a registry that refuses it must not hide the first answer.
    if (isWinchError(listError)) return error;
    throw listError;
  }
}

function missingPlatform(index: ImageIndex, {reference, platform}: ResolveTarget): never {
  const offered = platformsOf(index);
  throw new WinchError(
    'PLATFORM_MISSING',
    `${familiarReference(reference)} has no image for ${formatPlatform(platform)}`,
    {
      kind: 'not-found',
      hint: offered.length > 0 ? `it offers ${offered.join(', ')}` : 'its index is empty',
      details: {platforms: offered},
    },
  );
}

/** What to ask a registry for: the digest wins over the tag. */
export const tagOrDigest = ({tag, digest}: Reference): string => digest ?? tag ?? 'latest';
