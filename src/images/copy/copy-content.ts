import type {CallOptions} from '../../events.ts';
import {runTogether} from '../../host/run-together.ts';
import type {ContentDocument, ContentSource, ContentTarget, PutOutcome} from '../../media/content.ts';
import type {Descriptor} from '../../oci/descriptor.ts';
import type {Digest} from '../../oci/digest.ts';
import {type Platform, parsePlatform} from '../../oci/platform.ts';
import {chooseRoot} from './choose-root.ts';
import {type ContentGraph, type GraphDocument, readGraph, readReferrers} from './content-graph.ts';

export interface CopyContentOptions extends CallOptions {
  /** Copies the one image for it; absent: everything that the source's name leads to. */
  readonly platform?: string | undefined;
  /** Whether nothing less than everything will do, where a target takes one image only. */
  readonly allPlatforms?: boolean | undefined;
  /** Copies what refers to the image and its parts as well: signatures, attestations, SBOMs. */
  readonly referrers?: boolean | undefined;
  /** Copies layers that registries need not hold, from where the manifest says; absent: the manifest alone names them. */
  readonly foreign?: boolean | undefined;
}

export interface CopiedContent {
  /** What the target now leads to. */
  readonly digest: Digest;
  /** Whether it led to something else before. */
  readonly changed: boolean;
  /** Bytes of blobs and documents that were written, repetitions included. */
  readonly sentBytes: number;
  readonly copiedBlobs: number;
  readonly presentBlobs: number;
  readonly mountedBlobs: number;
}

export interface ContentCopy {
  readonly source: ContentSource;
  readonly target: ContentTarget;
  readonly hostPlatform: Platform;
  /** Blobs that other copies to the same place put or have put. */
  readonly blobs?: Map<Digest, Promise<PutOutcome>>;
}

/** As docker's default; more connections do not make one registry faster. */
const BLOBS_AT_ONCE = 3;
const DOCUMENTS_AT_ONCE = 3;

/**
 * Copies an image with all that belongs to it, byte for byte, so that every digest stays: blobs first, then manifests,
 * what the target's name leads to last. What is there already is not sent again.
 *
 * @throws {WinchError} `PLATFORM_MISSING` | `LIMIT_INDEX_DEPTH` … | as the source and the target
 */
export async function copyContent(copy: ContentCopy, options: CopyContentOptions): Promise<CopiedContent> {
  const {source, target} = copy;
  options.signal?.throwIfAborted();
  options.onEvent?.({type: 'reference:resolving', reference: source.name});
  const isAsIs = isWholeWanted(copy, options);
  const [before, wanted] = await Promise.all([target.current(options), isAsIs ? source.rootDigest(options) : null]);
  if (before !== null && before === wanted && !options.referrers)
    return conclude(copy, {digest: before, before, outcomes: []}, options);
  const root = isAsIs ? await source.root(options) : await chooseOne(copy, options);
  const graph = await readGraph(source, {root, role: 'root'}, {...options, foreign: options.foreign ?? false});
  for (const document of graph.documents.toReversed()) target.requireSuitable(document);
  const referring = await readReferring(source, graph, options);
  const {digest} = root.descriptor;
  const main = digest === before ? EMPTY : graph;
  const outcomes = await putAll(copy, {main, referring}, options);
  await target.finish(options);
  return conclude(copy, {digest, before, outcomes}, options);
}

/** Everything that the source leads to and `referrers` ask for. */
export async function readWanted(copy: ContentCopy, options: CopyContentOptions): Promise<ContentGraph> {
  const {source} = copy;
  const isAsIs = isWholeWanted(copy, options);
  const root = isAsIs ? await source.root(options) : await chooseOne(copy, options);
  const graph = await readGraph(source, {root, role: 'root'}, {...options, foreign: options.foreign ?? false});
  const referring = await readReferring(source, graph, options);
  return {documents: [...graph.documents, ...referring.documents], blobs: [...graph.blobs, ...referring.blobs]};
}

const isWholeWanted = ({target}: ContentCopy, {platform, allPlatforms = false}: CopyContentOptions): boolean =>
  platform === undefined && (allPlatforms || !target.isSingleImage);

const EMPTY: ContentGraph = Object.freeze({documents: [], blobs: []});

function chooseOne({source, hostPlatform}: ContentCopy, options: CopyContentOptions): Promise<ContentDocument> {
  const {platform} = options;
  const isStrict = platform !== undefined;
  return chooseRoot(source, {platform: isStrict ? parsePlatform(platform) : hostPlatform, isStrict}, options);
}

const readReferring = async (source: ContentSource, graph: ContentGraph, options: CopyContentOptions) =>
  options.referrers ? await readReferrers(source, graph, {...options, foreign: options.foreign ?? false}) : EMPTY;

interface Parts {
  readonly main: ContentGraph;
  readonly referring: ContentGraph;
}

interface BlobOutcome extends PutOutcome {
  readonly isBlob: boolean;
}

async function putAll(copy: ContentCopy, {main, referring}: Parts, options: CopyContentOptions) {
  const blobs = [...new Map([...main.blobs, ...referring.blobs].map((blob) => [blob.digest, blob])).values()];
  const outcomes = await putBlobs(copy, blobs, options);
  const isRoot = ({role}: GraphDocument) => role === 'root';
  const members = [...main.documents.filter((document) => !isRoot(document)), ...referring.documents];
  outcomes.push(...(await putDocuments(copy.target, members, options)));
  outcomes.push(...(await putDocuments(copy.target, main.documents.filter(isRoot), options)));
  return outcomes;
}

async function putBlobs(copy: ContentCopy, blobs: readonly Descriptor[], options: CopyContentOptions) {
  const {source, target, blobs: shared = new Map<Digest, Promise<PutOutcome>>()} = copy;
  const {foreign} = options;
  const outcomes: BlobOutcome[] = [];
  const tasks = blobs
    .toSorted((a, b) => b.size - a.size)
    .map((blob) => async (signal: AbortSignal) => {
      const known = shared.get(blob.digest);
      if (known && (await isDone(known))) return;
      const putting = target.putBlob(blob, source, {...options, signal, foreign});
      shared.set(blob.digest, putting);
      outcomes.push({...(await putting), isBlob: true});
    });
  await runTogether(tasks, {limit: BLOBS_AT_ONCE, signal: options.signal});
  return outcomes;
}

/** What failed for another copy is tried anew. */
const isDone = (putting: Promise<PutOutcome>): Promise<boolean> =>
  putting.then(
    () => true,
    () => false,
  );

/** Those of one height at once, the lower ones before. */
async function putDocuments(target: ContentTarget, documents: readonly GraphDocument[], options: CallOptions) {
  const outcomes: BlobOutcome[] = [];
  for (const height of new Set(documents.map((document) => document.height).toSorted((a, b) => a - b))) {
    const tasks = documents
      .filter((document) => document.height === height)
      .map((document) => async (signal: AbortSignal) => {
        const {onEvent} = options;
        const outcome = await target.putDocument(document, {role: document.role, signal, onEvent});
        outcomes.push({...outcome, isBlob: false});
      });
    await runTogether(tasks, {limit: DOCUMENTS_AT_ONCE, signal: options.signal});
  }
  return outcomes;
}

interface Ending {
  readonly digest: Digest;
  readonly before: Digest | null;
  readonly outcomes: readonly BlobOutcome[];
}

function conclude({source, target}: ContentCopy, ending: Ending, {onEvent}: CallOptions): CopiedContent {
  const {digest, before, outcomes} = ending;
  const count = (wanted: PutOutcome['outcome']) =>
    outcomes.filter(({isBlob, outcome}) => isBlob && outcome === wanted).length;
  const sentBytes = outcomes.reduce((sum, outcome) => sum + outcome.sentBytes, 0);
  const changed = before !== digest;
  onEvent?.({type: 'image:copied', source: source.name, target: target.name, digest, changed, sentBytes});
  const counts = {copiedBlobs: count('uploaded'), presentBlobs: count('present'), mountedBlobs: count('mounted')};
  return {digest, changed, sentBytes, ...counts};
}
