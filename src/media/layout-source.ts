import {isWinchError, WinchError} from '../errors.ts';
import type {CallOptions} from '../events.ts';
import {readRegion} from '../host/file-regions.ts';
import type {Descriptor} from '../oci/descriptor.ts';
import {type Digest, digestAlgorithm, digestHex} from '../oci/digest.ts';
import type {ImageIndex} from '../oci/image-index.ts';
import {FULL_NAME_ANNOTATION, NAME_ANNOTATION} from '../oci/image-layout.ts';
import {MANIFEST_LIMIT_BYTES} from '../oci/manifest.ts';
import {isManifestType, OCI_INDEX} from '../oci/media-types.ts';
import {referrersTagOf} from '../registry/referrers-tag.ts';
import type {BlobOptions, ContentDocument, ContentSource, DocumentName} from './content.ts';
import {readDocument} from './content-document.ts';
import {type FileSet, readSmallFile} from './file-set.ts';
import {chooseImage, nameOf, readLayoutIndex} from './layout-index.ts';
import type {Selection} from './location.ts';

export interface LayoutPlace {
  readonly name: string;
  readonly files: FileSet;
  readonly selection: Selection | null;
}

export const blobPath = (digest: Digest): string => `blobs/${digestAlgorithm(digest)}/${digestHex(digest)}`;

/** @throws {WinchError} `LAYOUT_MISSING` */
export async function openLayoutSource(place: LayoutPlace, {signal}: CallOptions): Promise<ContentSource> {
  const {name, files, selection} = place;
  const index = await readLayoutIndex(files, signal);
  if (index === null) throw missing(files.name);
  let rootDocument: Promise<ContentDocument> | null = null;
  let subjects: Promise<ReadonlyMap<Digest, readonly Descriptor[]>> | null = null;
  const document = (wanted: DocumentName, options: CallOptions) => readBlobDocument(files, wanted, options);
  const root = (options: CallOptions) => {
    rootDocument ??= readRoot({files, index, selection}, options);
    return rootDocument;
  };
  return {
    name,
    rootDigest: async (options) => (await root(options)).descriptor.digest,
    root,
    document,
    blob: (descriptor) => ({open: (offset, options) => readBlob(files, {descriptor, offset}, options)}),
    blobFile: () => null,
    referrers: async (subject, options) => {
      subjects ??= readSubjects(files, index, options);
      const tagged = await readTagged(files, index, {subject, options});
      return [...((await subjects).get(subject) ?? []), ...tagged];
    },
    repositories: [],
    close: () => files.close(),
  };
}

interface Layout {
  readonly files: FileSet;
  readonly index: ImageIndex;
  readonly selection: Selection | null;
}

async function readRoot({files, index, selection}: Layout, options: CallOptions): Promise<ContentDocument> {
  const choice = chooseImage(await withoutReferrers(files, index, {selection, options}), selection, files.name);
  if (choice.kind === 'entry') return await readBlobDocument(files, choice.entry, options);
  const bytes = Buffer.from(
    JSON.stringify({schemaVersion: 2, mediaType: OCI_INDEX, manifests: choice.entries.map(withoutName)}),
  );
  return readDocument({bytes, where: `the platforms in ${files.name}`});
}

/** Signatures and the like stand in the list without a name, and are not what somebody means who names none. */
async function withoutReferrers(
  files: FileSet,
  index: ImageIndex,
  {selection, options}: {readonly selection: Selection | null; readonly options: CallOptions},
): Promise<ImageIndex> {
  if (selection !== null || index.manifests.length < 2) return index;
  const referrers = [...(await readSubjects(files, index, options)).values()].flat();
  return {
    ...index,
    manifests: index.manifests.filter(({digest}) => !referrers.some((entry) => entry.digest === digest)),
  };
}

function withoutName(entry: Descriptor): Descriptor {
  const {[NAME_ANNOTATION]: _, [FULL_NAME_ANNOTATION]: __, ...annotations} = entry.annotations ?? {};
  const {annotations: ___, ...rest} = entry;
  return Object.keys(annotations).length > 0 ? {...rest, annotations} : rest;
}

/** What the unnamed entries of the index refer to. */
export async function readSubjects(files: FileSet, index: ImageIndex, options: CallOptions) {
  const bySubject = new Map<Digest, readonly Descriptor[]>();
  for (const entry of index.manifests.filter((one) => nameOf(one) === undefined && isManifestType(one.mediaType))) {
    const subject = (await tryReadDocument(files, entry, options))?.document.subject?.digest;
    if (subject !== undefined) bySubject.set(subject, [...(bySubject.get(subject) ?? []), entry]);
  }
  return bySubject;
}

/** As registries without the referrers API list them. @see distribution-spec v1.1.1 spec.md#referrers-tag-schema */
async function readTagged(
  files: FileSet,
  index: ImageIndex,
  {subject, options}: {readonly subject: Digest; readonly options: CallOptions},
): Promise<readonly Descriptor[]> {
  const entry = index.manifests.find((one) => nameOf(one) === referrersTagOf(subject));
  if (!entry) return [];
  const {document} = await readBlobDocument(files, entry, options);
  return document.kind === 'index' ? document.manifests : [];
}

/** @throws {WinchError} `BLOB_UNKNOWN` | as `parseManifestDocument` */
export async function readBlobDocument(
  files: FileSet,
  name: DocumentName,
  {signal}: CallOptions,
): Promise<ContentDocument> {
  const bytes = await readSmallFile(files, {path: blobPath(name.digest), limitBytes: MANIFEST_LIMIT_BYTES, signal});
  if (bytes === null) throw blobMissing(files.name, name.digest);
  return readDocument({bytes, name, where: `manifest ${name.digest} in ${files.name}`});
}

/** Null: it is missing, or damaged, which is for those to refuse who want it. */
export async function tryReadDocument(files: FileSet, name: DocumentName, options: CallOptions) {
  try {
    return await readBlobDocument(files, name, options);
  } catch (error) {
    if (isWinchError(error) && ['refused', 'not-found'].includes(error.kind)) return null;
    throw error;
  }
}

interface BlobPart {
  readonly descriptor: Descriptor;
  readonly offset: number;
}

async function* readBlob(files: FileSet, {descriptor, offset}: BlobPart, options: BlobOptions = {}) {
  const region = await files.find(blobPath(descriptor.digest));
  if (region === null) throw blobMissing(files.name, descriptor.digest);
  if (region.size !== descriptor.size) throw wrongSize(files.name, descriptor, region.size);
  yield* readRegion(region, offset, options);
}

const missing = (where: string): WinchError =>
  new WinchError('LAYOUT_MISSING', `${where} is no OCI layout: it has no index.json`, {
    kind: 'not-found',
    hint: 'check how its path is written',
  });

const blobMissing = (where: string, digest: Digest): WinchError =>
  new WinchError('BLOB_UNKNOWN', `${where} lacks the blob ${digest}`, {
    kind: 'not-found',
    hint: 'it holds only a part of the image; write it anew',
  });

const wrongSize = (where: string, {digest, size}: Descriptor, found: number): WinchError =>
  new WinchError('SIZE_MISMATCH', `blob ${digest} in ${where} should have ${size} bytes and has ${found}`, {
    kind: 'refused',
    hint: 'it is damaged; write it anew',
  });
