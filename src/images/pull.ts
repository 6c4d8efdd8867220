import {WinchError} from '../errors.ts';
import type {CallOptions} from '../events.ts';
import {chainIds} from '../oci/chain-id.ts';
import {formatPlatform, type Platform, parsePlatform} from '../oci/platform.ts';
import {familiarReference, parseReference, type Reference} from '../oci/reference.ts';
import {type LayerRecord, recordImage} from '../store/image-records.ts';
import {setTag} from '../store/tags.ts';
import type {ImageContext} from './context.ts';
import {fetchLayers} from './fetch-layers.ts';
import {type FoundImage, findPresent, tagKey} from './find-image.ts';
import {type ResolvedImage, resolveImage, resolveTargetDigest} from './resolve-image.ts';

/** `always` asks the registry, `missing` only when the store lacks the image, `never` not at all. */
export type PullPolicy = 'always' | 'missing' | 'never';

export interface PullOptions extends CallOptions {
  /** `os/architecture[/variant]`; absent: this machine's. */
  readonly platform?: string | undefined;
  /** Absent: `always`. */
  readonly policy?: PullPolicy | undefined;
}

export interface PulledImage {
  /** As the user would write it (`alpine:3.20`). */
  readonly reference: string;
  /** What the tag names: the index when there is one, else the manifest. */
  readonly digest: string;
  readonly manifestDigest: string;
  /** The image id: the digest of its config. */
  readonly imageId: string;
  readonly platform: string;
  /** Whether the tag now names something else than before. */
  readonly changed: boolean;
  /** Bytes of blobs that were downloaded. */
  readonly receivedBytes: number;
}

/**
 * Makes an image present in the store under its reference.
 *
 * Blobs and layers that are there already are not fetched again. The tag is set last, in one transaction with the
 * graph, so it never names missing bytes; what was verified before a failure is kept for the next attempt until
 * garbage is collected. With durability `full` the image survives a power cut once this resolves.
 *
 * @throws {WinchError} of the registry (`MANIFEST_UNKNOWN`, `AUTH_REQUIRED`, `REGISTRY_UNREACHABLE` …), of the content
 * (`DIGEST_MISMATCH`, `MANIFEST_INVALID` …), `PLATFORM_MISSING`, `IMAGE_UNKNOWN` (policy `never`), of the store
 */
export async function pullImage(context: ImageContext, text: string, options: PullOptions = {}): Promise<PulledImage> {
  const reference = parseReference(text);
  const platform = options.platform === undefined ? context.hostPlatform : parsePlatform(options.platform);
  const present = findPresent(context.store, reference, options.platform);
  const policy = options.policy ?? 'always';
  if (present && (policy !== 'always' || (await isCurrent(context, reference, present, options)))) {
    return unchanged(reference, present);
  }
  if (policy === 'never') throw absent(reference, platform);
  return fetchImage(context, {reference, platform}, options);
}

interface PullTarget {
  readonly reference: Reference;
  readonly platform: Platform;
}

async function fetchImage(context: ImageContext, target: PullTarget, options: PullOptions): Promise<PulledImage> {
  const {store} = context;
  const name = familiarReference(target.reference);
  const lease = await store.lease(options.signal);
  try {
    options.onEvent?.({type: 'reference:resolving', reference: name});
    const resolved = await resolveImage(await context.registry(), target, options);
    if (options.platform !== undefined) requirePlatform(resolved, target);
    options.onEvent?.({
      type: 'manifest:resolved',
      reference: name,
      digest: resolved.targetDigest,
      platform: formatPlatform(resolved.platform),
      layers: resolved.manifest.layers.map(({digest, size}) => ({digest, size})),
    });
    const layers = layerRecords(resolved);
    const receivedBytes = await fetchLayers(context, {reference: target.reference, layers}, options);
    for (const {digest, bytes} of resolved.documents) await store.blobs.put(digest, bytes);
    const changed = await commitImage(context, {...target, resolved, layers});
    const result = {
      reference: name,
      digest: resolved.targetDigest,
      manifestDigest: resolved.manifestDigest,
      imageId: resolved.manifest.config.digest,
      platform: formatPlatform(resolved.platform),
      changed,
      receivedBytes,
    };
    options.onEvent?.({type: 'image:stored', reference: name, digest: result.digest, changed, receivedBytes});
    return result;
  } finally {
    lease.release();
  }
}

function layerRecords({manifest, config}: ResolvedImage): readonly LayerRecord[] {
  const chains = chainIds(config.rootfs.diff_ids);
  return manifest.layers.map((layer, position) => {
    const diffId = config.rootfs.diff_ids[position];
    const chainId = chains[position];
    if (diffId === undefined || chainId === undefined) throw new Error('layer count was checked before');
    return {blobDigest: layer.digest, blobBytes: layer.size, mediaType: layer.mediaType, diffId, chainId};
  });
}

interface Commit extends PullTarget {
  readonly resolved: ResolvedImage;
  readonly layers: readonly LayerRecord[];
}

const commitImage = ({store, now}: ImageContext, {reference, resolved, layers}: Commit): Promise<boolean> =>
  store.write((database) => {
    const {manifest, manifestDigest} = resolved;
    recordImage(
      database,
      {
        manifestDigest,
        manifestType: resolved.mediaType,
        manifestBytes: resolved.manifestBytes,
        configDigest: manifest.config.digest,
        configBytes: manifest.config.size,
        platform: formatPlatform(resolved.platform),
        created: resolved.config.created ?? null,
        chainId: layers.at(-1)?.chainId ?? null,
        layerCount: layers.length,
        storedAt: now(),
      },
      layers,
    );
    return setTag(database, {reference: tagKey(reference), targetDigest: resolved.targetDigest, manifestDigest}, now());
  });

async function isCurrent(context: ImageContext, reference: Reference, present: FoundImage, options: PullOptions) {
  if (!present.tag) return false;
  if (reference.digest) return true;
  options.onEvent?.({type: 'reference:resolving', reference: familiarReference(reference)});
  const digest = await resolveTargetDigest(await context.registry(), reference, options);
  return digest === present.tag.targetDigest;
}

const unchanged = (reference: Reference, {image, tag}: FoundImage): PulledImage => ({
  reference: familiarReference(reference),
  digest: tag?.targetDigest ?? image.manifestDigest,
  manifestDigest: image.manifestDigest,
  imageId: image.configDigest,
  platform: image.platform,
  changed: false,
  receivedBytes: 0,
});

/** An image without an index may be for any platform; the caller's own wish is not to be met by another. */
function requirePlatform({platform}: ResolvedImage, {reference, platform: wanted}: PullTarget): void {
  if (platform.os === wanted.os && platform.architecture === wanted.architecture) return;
  throw new WinchError(
    'PLATFORM_MISSING',
    `${familiarReference(reference)} has no image for ${formatPlatform(wanted)}`,
    {kind: 'not-found', hint: `it offers ${formatPlatform(platform)}`},
  );
}

const absent = (reference: Reference, platform: Platform) =>
  new WinchError(
    'IMAGE_UNKNOWN',
    `image ${familiarReference(reference)} is not in the store for ${formatPlatform(platform)}`,
    {kind: 'not-found', hint: 'allow a pull, or pull it first'},
  );
