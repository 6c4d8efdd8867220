import {WinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import {runTogether} from '../../host/run-together.ts';
import type {ContentDocument, ContentSource, DocumentRole} from '../../media/content.ts';
import type {Descriptor} from '../../oci/descriptor.ts';
import type {Digest} from '../../oci/digest.ts';
import {isForeignLayer, isIndexType, isManifestType} from '../../oci/media-types.ts';

export interface GraphDocument extends ContentDocument {
  readonly role: DocumentRole;
  /** 0 for a manifest; else one more than the highest that it names. */
  readonly height: number;
}

/** All that some document leads to, each once. */
export interface ContentGraph {
  /** The lowest first. */
  readonly documents: readonly GraphDocument[];
  readonly blobs: readonly Descriptor[];
}

export interface GraphOptions extends CallOptions {
  /** Whether foreign layers are among the blobs. */
  readonly foreign: boolean;
}

/** Of indexes. */
const DEPTH_LIMIT = 4;
const DOCUMENT_LIMIT = 10_000;
/** They are all held until they are written. */
const DOCUMENTS_LIMIT_BYTES = 256 * 1024 * 1024;
const READS_AT_ONCE = 3;

/**
 * Reads what a document leads to, level by level.
 *
 * @throws {WinchError} `LIMIT_INDEX_DEPTH` (4) | `LIMIT_INDEX_ENTRIES` (10 000) | `LIMIT_INDEX_BYTES` (256 MiB) | what
 * the source throws
 */
export async function readGraph(
  source: ContentSource,
  {root, role}: {readonly root: ContentDocument; readonly role: DocumentRole},
  options: GraphOptions,
): Promise<ContentGraph> {
  const found = new Map<Digest, ContentDocument>([[root.descriptor.digest, root]]);
  let level: readonly ContentDocument[] = [root];
  for (let depth = 1; level.length > 0; depth++) {
    const hasIndexes = level.some(({document}) => document.kind === 'index');
    if (hasIndexes && depth > DEPTH_LIMIT) throw tooDeep(source);
    const members = distinct(level.flatMap((document) => membersOf(document, options)));
    const wanted = members.filter(({digest}) => !found.has(digest));
    refuseExcess(source, [...found.values()].map(({descriptor}) => descriptor).concat(wanted));
    level = await readAll(source, wanted, options);
    for (const document of level) found.set(document.descriptor.digest, document);
  }
  const documents = withHeights(found, root, role);
  return {documents, blobs: distinct(documents.flatMap((document) => blobsOf(document, options.foreign)))};
}

/** The manifests that refer to documents, those that refer to them, and so on; without what `graph` has. */
export async function readReferrers(
  source: ContentSource,
  graph: ContentGraph,
  options: GraphOptions,
): Promise<ContentGraph> {
  const seen = new Set(graph.documents.map(({descriptor}) => descriptor.digest));
  const found: ContentGraph[] = [];
  const queue = graph.documents.map(({descriptor}) => descriptor.digest);
  for (let subject = queue.shift(); subject !== undefined; subject = queue.shift()) {
    options.signal?.throwIfAborted();
    for (const descriptor of await source.referrers(subject, options)) {
      if (seen.has(descriptor.digest)) continue;
      const root = await source.document(descriptor, options);
      const part = await readGraph(source, {root, role: 'referrer'}, options);
      const fresh = part.documents.filter((document) => !seen.has(document.descriptor.digest));
      for (const document of fresh) seen.add(document.descriptor.digest);
      if (seen.size > DOCUMENT_LIMIT) throw tooMany(source);
      found.push({documents: fresh, blobs: part.blobs});
      queue.push(...fresh.map((document) => document.descriptor.digest));
    }
  }
  return {
    documents: found.flatMap(({documents}) => documents),
    blobs: distinct(found.flatMap(({blobs}) => blobs)),
  };
}

/** What an entry's type does not say to be a manifest or an index cannot be read, and is told of. */
function membersOf({document}: ContentDocument, {onEvent}: GraphOptions): readonly Descriptor[] {
  if (document.kind === 'manifest') return [];
  const isKnown = ({mediaType}: Descriptor) => isManifestType(mediaType) || isIndexType(mediaType);
  for (const {digest, mediaType} of document.manifests.filter((entry) => !isKnown(entry))) {
    const message = `an index lists ${digest} of the unknown type ${mediaType}, which is not copied`;
    onEvent?.({type: 'warning:raised', code: 'INDEX_ENTRY_UNKNOWN', message});
  }
  return document.manifests.filter(isKnown);
}

function blobsOf({document}: ContentDocument, foreign: boolean): readonly Descriptor[] {
  if (document.kind === 'index') return [];
  return [document.config, ...document.layers.filter(({mediaType}) => foreign || !isForeignLayer(mediaType))];
}

async function readAll(source: ContentSource, wanted: readonly Descriptor[], options: CallOptions) {
  const documents: ContentDocument[] = [];
  const tasks = wanted.map((descriptor, at) => async (signal: AbortSignal) => {
    documents[at] = await source.document(descriptor, {...options, signal});
  });
  await runTogether(tasks, {limit: READS_AT_ONCE, signal: options.signal});
  return documents;
}

function withHeights(found: ReadonlyMap<Digest, ContentDocument>, root: ContentDocument, role: DocumentRole) {
  const heights = new Map<Digest, number>();
  const heightOf = (digest: Digest): number => {
    const known = heights.get(digest);
    if (known !== undefined) return known;
    const document = found.get(digest)?.document;
    const members = document?.kind === 'index' ? document.manifests.filter((entry) => found.has(entry.digest)) : [];
    const height = members.reduce((highest, entry) => Math.max(highest, heightOf(entry.digest) + 1), 0);
    heights.set(digest, height);
    return height;
  };
  const documents = [...found.values()].map((document): GraphDocument => {
    const {digest} = document.descriptor;
    return {...document, role: digest === root.descriptor.digest ? role : 'member', height: heightOf(digest)};
  });
  return documents.toSorted((a, b) => a.height - b.height);
}

function refuseExcess(source: ContentSource, descriptors: readonly Descriptor[]): void {
  if (descriptors.length > DOCUMENT_LIMIT) throw tooMany(source);
  const bytes = descriptors.reduce((sum, {size}) => sum + size, 0);
  if (bytes > DOCUMENTS_LIMIT_BYTES) throw excess('LIMIT_INDEX_BYTES', source, `leads to manifests of ${bytes} bytes`);
}

const distinct = (descriptors: readonly Descriptor[]): readonly Descriptor[] => [
  ...new Map(descriptors.map((descriptor) => [descriptor.digest, descriptor])).values(),
];

const tooDeep = (source: ContentSource): WinchError =>
  excess('LIMIT_INDEX_DEPTH', source, `nests indexes deeper than ${DEPTH_LIMIT}`);

const tooMany = (source: ContentSource): WinchError =>
  excess('LIMIT_INDEX_ENTRIES', source, `leads to more than ${DOCUMENT_LIMIT} manifests`);

const excess = (code: string, {name}: ContentSource, fault: string): WinchError =>
  new WinchError(code, `${name} ${fault}`, {kind: 'refused', hint: 'name one platform of it'});
