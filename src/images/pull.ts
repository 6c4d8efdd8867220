import {isWinchError, WinchError} from '../errors.ts';
import type {CallOptions} from '../events.ts';
import type {Digest} from '../oci/digest.ts';
import {formatPlatform} from '../oci/platform.ts';
import {familiarReference, parseReference, type Reference} from '../oci/reference.ts';
import {listedLayersOf} from '../store/image-records.ts';
import {noteUse} from '../store/last-use.ts';
import {setTag} from '../store/tags.ts';
import type {ImageContext} from './context.ts';
import {tagKey} from './find-image.ts';
import {mergeMeanwhile} from './merged-index.ts';
import {findPresent, type PresentImage} from './present-image.ts';

/**
 * - `always` asks the registry what the tag names now
 * - `missing` asks only when the store lacks the image
 * - `newer` asks as `always` does, and goes on with a stored image when the registry does not answer or refuses
 * - `never` does not ask
 */
export type PullPolicy = 'always' | 'missing' | 'newer' | 'never';

export interface PullOptions extends CallOptions {
  /** `os/architecture[/variant]`; absent: this machine's. */
  readonly platform?: string | undefined;
  /** Absent: `always`. */
  readonly policy?: PullPolicy | undefined;
  /**
   * Fetches every image of an index, with the attestations beside them. The layer files of the image for `platform` are
   * written at once, those of the others when they are first used.
   */
  readonly allPlatforms?: boolean | undefined;
  /** Keeps the blobs as they are; their layer files are written when the image is first used. */
  readonly downloadOnly?: boolean | undefined;
  /**
   * Layers that a registry need not hold (Windows): it is asked for them, and then `refuse` (the default) fails, while
   * `fetch` gets them without any login from the HTTPS places that the manifest names.
   */
  readonly foreignLayers?: 'refuse' | 'fetch' | undefined;
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

export interface PullTarget {
  readonly reference: Reference;
  readonly options: PullOptions;
  /** Whether the image is stored without any tag; the reference is then for messages. */
  readonly isUnnamed?: boolean;
}

/**
 * Makes an image present in the store under its reference.
 *
 * Blobs and layers that are there already are not fetched again; when the tag still names what is stored, one `HEAD` is
 * all that is sent. The tag is set last, in one transaction with the graph, so it never names missing bytes; what was
 * verified before a failure is kept for the next attempt until garbage is collected. With durability `full` the image
 * survives a power cut once this resolves.
 *
 * @throws {WinchError} of the registry (`MANIFEST_UNKNOWN`, `AUTH_REQUIRED`, `REGISTRY_UNREACHABLE` …), of the content
 * (`DIGEST_MISMATCH`, `MANIFEST_INVALID`, `ARTIFACT_NOT_IMAGE`, `FOREIGN_LAYER` …), `PLATFORM_MISSING`, `IMAGE_UNKNOWN`
 * (policy `never`), of the store
 */
export async function pullImage(context: ImageContext, text: string, options: PullOptions = {}): Promise<PulledImage> {
  const pulled = await pullByPolicy(context, {reference: parseReference(text), options});
  noteUse(context.store.paths, pulled.manifestDigest as Digest, context.now());
  return pulled;
}

async function pullByPolicy(context: ImageContext, target: PullTarget): Promise<PulledImage> {
  const {options} = target;
  const present = await findStored(context, target);
  const {policy = 'always'} = options;
  if (!present) {
    if (policy === 'never') throw absent(context, target);
    return await fetchFromRegistry(context, target);
  }
  if (policy === 'never' || policy === 'missing') return await useStored(context, target, present);
  try {
    if (await isCurrent(context, target, present)) return await useStored(context, target, present);
    return await fetchFromRegistry(context, target);
  } catch (error) {
    if (policy !== 'newer' || !isNoAnswer(error)) throw error;
    const message = `${familiarReference(target.reference)} is used as it is stored: ${error.message}`;
    options.onEvent?.({type: 'warning:raised', code: 'PULL_SKIPPED', message});
    return await useStored(context, target, present);
  }
}

/** What the store has of the target, when no byte of that is missing. */
async function findStored(context: ImageContext, {reference, options}: PullTarget): Promise<PresentImage | null> {
  const {store, hostPlatform} = context;
  const {platform, policy = 'always', allPlatforms} = options;
  const present = findPresent(store, reference, platform);
  if (allPlatforms && present?.tag) {
    const {hasWholeIndex} = await import('./stored-index.ts');
    const {targetDigest} = present.tag;
    if (!(await hasWholeIndex(store, {reference, targetDigest}, options))) return null;
  }
  const isChosenAnew = platform === undefined && (policy === 'always' || policy === 'newer');
  if (!isChosenAnew || !present?.tag || present.tag.targetDigest === present.image.manifestDigest) return present;
  const wanted = formatPlatform(hostPlatform);
  if (present.image.platform === wanted) return present;
  return findPresent(store, reference, wanted) ?? (allPlatforms ? present : null);
}

async function isCurrent(context: ImageContext, {reference, options}: PullTarget, present: PresentImage) {
  if (!present.tag || !present.isExact) return false;
  if (reference.digest) return true;
  options.onEvent?.({type: 'reference:resolving', reference: familiarReference(reference)});
  const registry = await context.registry();
  const head = await registry.headManifest(reference, reference.tag ?? '', {signal: options.signal});
  return head?.digest === present.tag.targetDigest;
}

// The modules of a download are many and slow to load, and an image that has not changed needs none of them.
async function fetchFromRegistry(context: ImageContext, target: PullTarget): Promise<PulledImage> {
  if (target.options.allPlatforms) return (await import('./fetch-platforms.ts')).fetchPlatforms(context, target);
  return (await import('./fetch-image.ts')).fetchImage(context, target);
}

async function useStored(context: ImageContext, {reference, options}: PullTarget, present: PresentImage) {
  const {image, tag, isMountable} = present;
  if (!isMountable && !options.downloadOnly) {
    const {unpackImage} = await import('./unpack-image.ts');
    await unpackImage(context, {name: familiarReference(reference), image}, options);
  }
  const {store} = context;
  const layers = store.read((database) => listedLayersOf(database, image.manifestDigest), []);
  await mergeMeanwhile(context, layers, () => store.settle());
  const isMoved = tag?.reference === tagKey(reference) && tag.manifestDigest !== image.manifestDigest;
  if (isMoved) {
    const {manifestDigest} = image;
    await context.store.write((database) => setTag(database, {...tag, manifestDigest}, context.now()));
  }
  return {
    reference: familiarReference(reference),
    digest: reference.digest ?? tag?.targetDigest ?? image.manifestDigest,
    manifestDigest: image.manifestDigest,
    imageId: image.configDigest,
    platform: image.platform,
    changed: isMoved,
    receivedBytes: 0,
  };
}

/** The registry is away, or does not give the image: whatever else went wrong is no reason to go on. */
export const isNoAnswer = (error: unknown): error is WinchError =>
  isWinchError(error) && ['unavailable', 'unauthorized', 'denied', 'not-found'].includes(error.kind);

function absent({hostPlatform}: ImageContext, {reference, options}: PullTarget): WinchError {
  const platform = options.platform ?? formatPlatform(hostPlatform);
  const image = familiarReference(reference);
  return new WinchError('IMAGE_UNKNOWN', `image ${image} is not in the store for ${platform}`, {
    kind: 'not-found',
    hint: 'allow a pull, or pull it first',
    details: {image},
  });
}
