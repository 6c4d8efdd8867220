import {isWinchError, WinchError} from '../errors.ts';
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
  readonly manifestDigest: Digest;
  readonly manifest: Manifest;
  readonly manifestBytes: Buffer;
  readonly indexes: readonly {readonly digest: Digest; readonly bytes: Buffer}[];
}

const INDEX_DEPTH_LIMIT = 4;

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
  const where = `manifest of ${familiarReference(reference)}`;
  const indexes: {digest: Digest; bytes: Buffer}[] = [];
  let targetDigest: Digest | undefined;
  let descriptor: Descriptor | undefined;
  while (indexes.length < INDEX_DEPTH_LIMIT) {
    const fetched = await getDocument(registry, reference, {
      name: descriptor?.digest ?? tagOrDigest(reference),
      options,
    });
    const document = parseManifestDocument(fetched.bytes, {
      contentType: fetched.contentType,
      where,
      ...(descriptor ? {descriptor} : {}),
    });
    targetDigest ??= fetched.digest;
    if (document.kind === 'manifest') {
      const {digest: manifestDigest, bytes: manifestBytes} = fetched;
      return {targetDigest, manifestDigest, manifest: document, manifestBytes, indexes};
    }
    indexes.push({digest: fetched.digest, bytes: fetched.bytes});
    descriptor = selectPlatform(document, platform) ?? missingPlatform(document, target);
  }
  throw new WinchError('LIMIT_INDEX_DEPTH', `${where} nests indexes deeper than ${INDEX_DEPTH_LIMIT}`, {
    kind: 'refused',
  });
}

interface DocumentRequest {
  readonly name: string;
  readonly options: CallOptions;
}

async function getDocument(registry: RegistryClient, reference: Reference, {name, options}: DocumentRequest) {
  try {
    return await registry.getManifest(reference, name, {signal: options.signal});
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
    const tags = await registry.listTags(reference, {limit: 1000, signal: options.signal});
    const near = nearestTags(reference.tag ?? '', tags);
    if (near.length === 0) return error;
    return new WinchError(error.code, error.message, {
      kind: error.kind,
      hint: `tags that exist: ${near.join(', ')}`,
      details: {...error.details, tags: near},
      cause: error,
    });
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
