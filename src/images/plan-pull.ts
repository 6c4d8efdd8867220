import type {CallOptions} from '../events.ts';
import type {Digest} from '../oci/digest.ts';
import {formatPlatform, parsePlatform} from '../oci/platform.ts';
import {familiarReference, parseReference, type Reference} from '../oci/reference.ts';
import type {CredentialDescription} from '../registry/credentials.ts';
import type {RateLimit} from '../registry/rate-limit.ts';
import {findLayerFile} from '../store/image-records.ts';
import type {Store} from '../store/store.ts';
import {blobState, type PlannedBlobState} from './blob-state.ts';
import type {ImageContext} from './context.ts';
import {tagOrDigest} from './fetch-manifest.ts';
import {openCredentialsOf} from './logins/open-credentials.ts';
import {openHostsOf} from './open-registry.ts';
import {type PlannedImages, resolvePlan} from './plan-documents.ts';
import type {RegistrySettings} from './registry-settings.ts';
import {guessLayerFile} from './require-space.ts';

export interface PlanOptions extends CallOptions {
  readonly platform?: string | undefined;
  readonly allPlatforms?: boolean | undefined;
  readonly downloadOnly?: boolean | undefined;
}

/** What a pull would do; all sizes are bytes. */
export interface PullPlan {
  readonly reference: string;
  /** What the tag names now: the index when there is one, else the manifest. */
  readonly digest: string;
  readonly platforms: readonly string[];
  /** Compressed, each blob once, in the order of the manifests. */
  readonly layers: readonly PlannedLayer[];
  readonly bytesToFetch: number;
  /** Of blobs that are stored, and of those that an earlier pull began. */
  readonly bytesReused: number;
  /** Of the blobs to fetch and the layer files to write. */
  readonly diskBytes: number;
  /** Whether `diskBytes` is a guess: how large a layer unpacks is not known before it was here. */
  readonly isDiskEstimated: boolean;
  /** Who would be asked, in turn. */
  readonly sources: readonly PlannedSource[];
  /** The login that is kept for the registry, without its secret; null: none. */
  readonly login: CredentialDescription | null;
  /** Null: the registry does not say. */
  readonly rateLimit: RateLimit | null;
}

export interface PlannedLayer {
  readonly digest: string;
  readonly size: number;
  readonly mediaType: string;
  readonly state: PlannedBlobState;
  /** What an earlier pull left of it; all of it when present. */
  readonly storedBytes: number;
}

export interface PlannedSource {
  /** `host[:port]` */
  readonly host: string;
  readonly isMirror: boolean;
  /** The file that says so; null: nobody had to. */
  readonly file: string | null;
}

export interface PlanContext {
  readonly images: ImageContext;
  readonly settings: RegistrySettings;
}

/**
 * Says what a pull would download and from where; only manifests and configs are read, and nothing is stored.
 *
 * @throws {WinchError} as `pullImage`
 */
export async function planPull(context: PlanContext, text: string, options: PlanOptions = {}): Promise<PullPlan> {
  const {store, hostPlatform} = context.images;
  const reference = parseReference(text);
  const platform = options.platform === undefined ? hostPlatform : parsePlatform(options.platform);
  const registry = await context.images.registry();
  // Asked first, so that the count it tells is of before.
  const head = await registry.headManifest(reference, tagOrDigest(reference), options);
  const found = await resolvePlan(
    context.images,
    {reference, platform, isWhole: options.allPlatforms ?? false},
    options,
  );
  const layers = await Promise.all(
    found.blobs.map(async ({digest, size, mediaType}) => ({
      ...{digest, size, mediaType},
      ...(await blobState(store, {digest, size}, options.signal)),
    })),
  );
  return {
    reference: familiarReference(reference),
    digest: found.targetDigest,
    platforms: found.platforms.map(formatPlatform),
    layers,
    ...fetchTotals(layers),
    ...diskTotals(store, {layers, unpacked: options.downloadOnly ? [] : found.unpacked}),
    sources: await sourcesOf(context.settings, reference),
    login: await openCredentialsOf(context.settings).describe(reference.registry, {signal: options.signal}),
    rateLimit: head?.rateLimit ?? null,
  };
}

function fetchTotals(layers: readonly PlannedLayer[]) {
  const bytesReused = layers.reduce((sum, {storedBytes}) => sum + storedBytes, 0);
  return {bytesReused, bytesToFetch: layers.reduce((sum, {size}) => sum + size, 0) - bytesReused};
}

interface DiskNeeds {
  readonly layers: readonly PlannedLayer[];
  readonly unpacked: PlannedImages['unpacked'];
}

function diskTotals(store: Store, {layers, unpacked}: DiskNeeds) {
  const unwritten = unpacked.filter(({diffId}) => !hasLayerFile(store, diffId));
  const files = unwritten.map(guessLayerFile);
  const blobBytes = layers.reduce((sum, {size, state}) => sum + (state === 'present' ? 0 : size), 0);
  return {diskBytes: files.reduce((sum, bytes) => sum + bytes, blobBytes), isDiskEstimated: unwritten.length > 0};
}

function hasLayerFile(store: Store, diffId: Digest): boolean {
  const file = store.read((database) => findLayerFile(database, diffId), null);
  return file !== null && store.layers.has(diffId, file.fileBytes);
}

async function sourcesOf(settings: RegistrySettings, reference: Reference): Promise<readonly PlannedSource[]> {
  const {endpoints} = await openHostsOf(settings).plan(reference);
  const serves = reference.digest ? 'tag' : 'digest';
  return endpoints
    .filter((endpoint) => endpoint.serves !== serves)
    .map(({host, isMirror, source}) => ({host, isMirror, file: source.file ?? null}));
}
