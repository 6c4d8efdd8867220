import {WinchError} from '../errors.ts';
import type {CallOptions} from '../events.ts';
import {runTogether} from '../host/run-together.ts';
import type {Descriptor} from '../oci/descriptor.ts';
import type {Digest} from '../oci/digest.ts';
import type {ImageIndex} from '../oci/image-index.ts';
import type {Manifest} from '../oci/manifest.ts';
import {isIndexType, isManifestType} from '../oci/media-types.ts';
import type {Reference} from '../oci/reference.ts';
import {INDEX_DEPTH_LIMIT, indexTooDeep, whereOf} from './fetch-manifest.ts';

/** Every document that an index leads to, each once. */
export interface IndexTree {
  /** The nested ones. */
  readonly indexes: readonly Digest[];
  readonly manifests: readonly IndexedManifest[];
  /** Entries of types that no spec calls a manifest or an index; they were not read. */
  readonly unknown: readonly Descriptor[];
}

export interface IndexedManifest {
  /** As the first entry that names it has it. */
  readonly descriptor: Descriptor;
  readonly manifest: Manifest;
}

/** Gives the document that a descriptor names, verified. */
export type ReadDocument = (descriptor: Descriptor, options: CallOptions) => Promise<Manifest | ImageIndex>;

const ENTRY_LIMIT = 10_000;
const READS_AT_ONCE = 3;
/** All of the documents together; ten thousand real ones need a tenth of it. */
const INDEX_DOCUMENTS_LIMIT_BYTES = 256 * 1024 * 1024;

/**
 * Follows all entries of an index, nested ones included.
 *
 * @throws {WinchError} `LIMIT_INDEX_DEPTH` (4) | `LIMIT_INDEX_ENTRIES` (10 000 in all) | `LIMIT_INDEX_BYTES` (256 MiB) |
 * what `read` throws
 */
export async function walkIndex(
  {index, reference}: {readonly index: ImageIndex; readonly reference: Reference},
  read: ReadDocument,
  options: CallOptions,
): Promise<IndexTree> {
  const seen = new Map<Digest, Descriptor>();
  const tree = {indexes: [] as Digest[], manifests: [] as IndexedManifest[], unknown: [] as Descriptor[]};
  let level: readonly ImageIndex[] = [index];
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > INDEX_DEPTH_LIMIT) throw indexTooDeep(reference);
    const entries = level.flatMap(({manifests}) => manifests).filter(({digest}) => !seen.has(digest));
    for (const entry of entries) seen.set(entry.digest, seen.get(entry.digest) ?? entry);
    refuseExcess(seen, reference);
    const fresh = [...new Set(entries.map(({digest}) => digest))].flatMap((digest) => seen.get(digest) ?? []);
    const known = fresh.filter(({mediaType}) => isManifestType(mediaType) || isIndexType(mediaType));
    tree.unknown.push(...fresh.filter((entry) => !known.includes(entry)));
    const documents = await readAll(known, read, options);
    for (const {descriptor, document} of documents) {
      if (document.kind === 'index') tree.indexes.push(descriptor.digest);
      else tree.manifests.push({descriptor, manifest: document});
    }
    level = documents.flatMap(({document}) => (document.kind === 'index' ? [document] : []));
  }
  return tree;
}

function refuseExcess(seen: ReadonlyMap<Digest, Descriptor>, reference: Reference): void {
  const bytes = [...seen.values()].reduce((sum, {size}) => sum + size, 0);
  if (seen.size > ENTRY_LIMIT) {
    throw excess('LIMIT_INDEX_ENTRIES', `${whereOf(reference)} leads to more than ${ENTRY_LIMIT} manifests`);
  }
  if (bytes > INDEX_DOCUMENTS_LIMIT_BYTES) {
    throw excess('LIMIT_INDEX_BYTES', `${whereOf(reference)} leads to manifests of ${bytes} bytes`);
  }
}

async function readAll(entries: readonly Descriptor[], read: ReadDocument, options: CallOptions) {
  const documents: {descriptor: Descriptor; document: Manifest | ImageIndex}[] = [];
  const tasks = entries.map((descriptor, at) => async (signal: AbortSignal) => {
    documents[at] = {descriptor, document: await read(descriptor, {...options, signal})};
  });
  await runTogether(tasks, {limit: READS_AT_ONCE, signal: options.signal});
  return documents;
}

const excess = (code: string, message: string): WinchError =>
  new WinchError(code, message, {kind: 'refused', hint: 'name one platform of it'});
