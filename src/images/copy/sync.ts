import type {CallOptions} from '../../events.ts';
import {runTogether} from '../../host/run-together.ts';
import type {ContentTarget, PutOutcome} from '../../media/content.ts';
import {openRegistrySource} from '../../media/registry-source.ts';
import {openRegistryTarget} from '../../media/registry-target.ts';
import type {Descriptor} from '../../oci/descriptor.ts';
import type {Digest} from '../../oci/digest.ts';
import {familiarReference} from '../../oci/reference.ts';
import type {CopyContext, SideSettings} from './context.ts';
import {type ContentCopy, type CopyContentOptions, copyContent, readWanted} from './copy-content.ts';
import {openRegistryOf} from './open-registry-of.ts';
import {listTagPairs, parseRepository, type SyncPlaces, type TagPair, type TagRequest} from './sync-tags.ts';

export interface SyncOptions extends CopyContentOptions, TagRequest {
  /** Only says what would be copied. */
  readonly dryRun?: boolean | undefined;
  /** Goes on with the other tags after a failure. */
  readonly keepGoing?: boolean | undefined;
  /** How the source's registry is reached, where that differs from the toolkit's settings. */
  readonly source?: SideSettings | undefined;
  readonly target?: SideSettings | undefined;
}

export interface SyncedTag {
  readonly tag: string;
  /** As people write it. */
  readonly target: string;
  readonly digest: string;
  /** Whether the tag led to something else before; in a dry run, whether it would be moved. */
  readonly changed: boolean;
  /** That were sent; in a dry run, that would be. */
  readonly bytes: number;
}

/** How it ended for one tag. */
export type SyncOutcome = SyncedTag | {readonly tag: string; readonly error: unknown};

export interface SyncRequest {
  /** Repositories, as `registry/repository`. */
  readonly source: string;
  readonly target: string;
}

const TAGS_AT_ONCE = 2;
const ASKED_AT_ONCE = 3;

/**
 * Brings tags of one repository to another, and yields how each ended, in the order of the source's list.
 *
 * A tag that leads to the same digest on both sides costs one `HEAD` at each. A blob that several tags share is put once.
 * Without `keepGoing` the first failure is thrown, and the tags after it are left. Tags that only the target has stay.
 *
 * @throws {WinchError} `TAG_UNEXPECTED` | `NAME_UNKNOWN` | `TAG_PATTERN_INVALID` | as `copyImage`
 */
export async function* syncRepository(
  context: CopyContext,
  {source: from, target: to}: SyncRequest,
  options: SyncOptions = {},
): AsyncGenerator<SyncOutcome> {
  const repositories = {source: parseRepository(from), target: parseRepository(to)};
  const source = await openRegistryOf(context, repositories.source.registry, options.source);
  const target = await openRegistryOf(context, repositories.target.registry, options.target);
  const places: SyncPlaces = {
    source: {registry: source.client, repository: repositories.source},
    target: {registry: target.client, repository: repositories.target},
  };
  try {
    const pairs = await listTagPairs(places, options, options);
    yield* syncPairs({context, places, blobs: new Map()}, pairs, options);
  } finally {
    source.close();
    target.close();
  }
}

interface Sync {
  readonly context: CopyContext;
  readonly places: SyncPlaces;
  /** Put for some tag, or in a dry run counted for it. */
  readonly blobs: Map<Digest, Promise<PutOutcome>>;
}

async function* syncPairs(sync: Sync, pairs: readonly TagPair[], options: SyncOptions): AsyncGenerator<SyncOutcome> {
  const controller = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, controller.signal]) : controller.signal;
  const waiting = pairs.map((pair) => ({pair, outcome: Promise.withResolvers<SyncOutcome>()}));
  const queue = waiting.values();
  const work = async () => {
    for (const {pair, outcome} of queue) outcome.resolve(await syncOne(sync, pair, {...options, signal}));
  };
  const running = Array.from({length: Math.min(TAGS_AT_ONCE, pairs.length)}, work);
  try {
    for (const {outcome} of waiting) {
      const ended = await outcome.promise;
      options.signal?.throwIfAborted();
      if ('error' in ended && !options.keepGoing) throw ended.error;
      yield ended;
    }
  } finally {
    controller.abort();
    await Promise.all(running);
  }
}

async function syncOne(sync: Sync, pair: TagPair, options: SyncOptions): Promise<SyncOutcome> {
  try {
    options.signal?.throwIfAborted();
    return await syncTag(sync, pair, options);
  } catch (error) {
    return {tag: pair.tag, error};
  }
}

async function syncTag({context, places, blobs}: Sync, pair: TagPair, options: SyncOptions): Promise<SyncedTag> {
  const {hostPlatform} = context.images;
  const source = openRegistrySource(places.source.registry, pair.source);
  const target = openRegistryTarget(places.target.registry, pair.target);
  const copy: ContentCopy = {source, target, hostPlatform, blobs};
  const names = {tag: pair.tag, target: familiarReference(pair.target)};
  if (options.dryRun) return {...names, ...(await estimate(copy, options))};
  const {digest, changed, sentBytes: bytes} = await copyContent(copy, options);
  return {...names, digest, changed, bytes};
}

async function estimate(copy: ContentCopy, options: SyncOptions) {
  const {source, target, blobs = new Map()} = copy;
  const before = await target.current(options);
  if (options.platform === undefined && !options.referrers && before === (await source.rootDigest(options))) {
    return {digest: before, changed: false, bytes: 0};
  }
  const {documents, blobs: wanted} = await readWanted(copy, options);
  const digest = documents.find(({role}) => role === 'root')?.descriptor.digest ?? '';
  if (digest === before && !options.referrers) return {digest, changed: false, bytes: 0};
  const fresh = wanted.filter((blob) => !blobs.has(blob.digest));
  for (const blob of fresh) blobs.set(blob.digest, Promise.resolve({outcome: 'uploaded', sentBytes: blob.size}));
  const missing = await missingBytes(target, fresh, options);
  const documentBytes = digest === before ? 0 : documents.reduce((sum, {bytes}) => sum + bytes.length, 0);
  return {digest, changed: digest !== before, bytes: missing + documentBytes};
}

async function missingBytes(
  target: ContentTarget,
  blobs: readonly Descriptor[],
  options: CallOptions,
): Promise<number> {
  let bytes = 0;
  const tasks = blobs.map((blob) => async (signal: AbortSignal) => {
    if (!(await target.hasBlob(blob, {...options, signal}))) bytes += blob.size;
  });
  await runTogether(tasks, {limit: ASKED_AT_ONCE, signal: options.signal});
  return bytes;
}
