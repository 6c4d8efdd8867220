import type {EventSink} from '../../events.ts';
import type {Descriptor} from '../../oci/descriptor.ts';
import {type Digest, isDigest} from '../../oci/digest.ts';
import {formatReference} from '../../oci/reference.ts';
import type {RepositoryName} from '../../registry/client.ts';
import {openSharedWork} from '../../registry/shared-work.ts';
import type {Database} from '../../store/database.ts';
import {findImage} from '../../store/image-records.ts';
import {noteUse} from '../../store/last-use.ts';
import type {Store} from '../../store/store.ts';
import {findTag} from '../../store/tags.ts';
import type {ImageContext} from '../context.ts';
import {fetchDropped, hasLayerFileAlone} from '../dropped-blobs.ts';
import {type AskedImages, createAskedImages} from './asked-images.ts';
import {createDownloads, type Downloads} from './downloads.ts';
import {fetchDocument, findStoredDocument, type ServedDocument} from './find-document.ts';
import {listAllTags, listReferrers, listStoredRepositories, type ReferrersRequest} from './list-names.ts';
import {type ReadCall, unknown} from './read-call.ts';
import {followDownload, openStoredBlob, type ServedBlob} from './served-blob.ts';

export interface ReadThroughOptions {
  /** Told of what goes wrong with images that nobody waits for. */
  readonly onEvent?: EventSink | undefined;
}

/**
 * Images as a registry has them: out of the store, and what is missing there from where it belongs, for all that ask at
 * the same time by one download. Who asks for a layer of an image has all of it stored, under the tag that was asked for.
 *
 * A tag that is stored is what it was when it was stored; only a pull asks again.
 */
export interface ReadThrough extends AsyncDisposable {
  /** @throws {WinchError} `MANIFEST_UNKNOWN`, and as `RegistryClient.getManifest` */
  getDocument(repository: RepositoryName, tagOrDigest: string, call: ReadCall): Promise<ServedDocument>;
  /** @throws {WinchError} `BLOB_UNKNOWN`, and as `RegistryClient.openBlob` */
  openBlob(repository: RepositoryName, digest: Digest, call: ReadCall): Promise<ServedBlob>;
  /** Bytes of a blob, which is not fetched for that. @throws {WinchError} `BLOB_UNKNOWN`, and as `RegistryClient.headBlob` */
  sizeOfBlob(repository: RepositoryName, digest: Digest, call: ReadCall): Promise<number>;
  /**
   * The tags of a repository by name, those that are stored and those that its registry has, as long as that answers.
   *
   * @throws {WinchError} as `RegistryClient.listTags`, when nothing of it is stored
   */
  listTags(repository: RepositoryName, call: ReadCall): Promise<readonly string[]>;
  /** What names a manifest as its subject, as its registry has it. @throws {WinchError} as `RegistryClient.referrers` */
  listReferrers(request: ReferrersRequest, call: ReadCall): Promise<readonly Descriptor[]>;
  /** The repositories of which something is stored, by name. */
  listRepositories(): readonly RepositoryName[];
  /** Ends what is being fetched; what has come stays for the next time. */
  close(): Promise<void>;
}

interface WantedDocument {
  readonly repository: RepositoryName;
  readonly tagOrDigest: string;
}

interface Parts {
  readonly context: ImageContext;
  readonly asked: AskedImages;
  readonly downloads: Downloads;
}

export function openReadThrough(context: ImageContext, {onEvent}: ReadThroughOptions = {}): ReadThrough {
  const asked = createAskedImages(context.hostPlatform);
  const downloads = createDownloads(context, onEvent);
  const parts = {context, asked, downloads};
  const documents = openSharedWork<ServedDocument>();
  const joinFetching = async (wanted: WantedDocument, call: ReadCall): Promise<ServedDocument> => {
    const {repository, tagOrDigest} = wanted;
    const name = `${repository.registry}/${repository.repository}@${tagOrDigest}`;
    requireFetching('MANIFEST_UNKNOWN', `manifest ${name}`, call);
    return await documents.run(name, call.signal, (signal) => askForDocument(parts, wanted, signal));
  };
  return {
    getDocument: async (repository, tagOrDigest, call) => {
      const stored = findKnownDocument(context, repository, tagOrDigest);
      const found = stored ?? (await joinFetching({repository, tagOrDigest}, call));
      if (found.document?.kind === 'manifest') asked.noteManifest(repository, found.digest, found.document);
      return found;
    },
    openBlob: async (repository, digest, call) => {
      const blob = (await findKnownBlob(context, digest, call)) ?? (await fetchBlob(parts, {repository, digest}, call));
      if (call.mayFetch) keepImage(parts, {repository, digest});
      return blob;
    },
    sizeOfBlob: async (repository, digest, call) =>
      (await openStoredBlob(context.store, digest))?.size ?? (await askForSize(parts, {repository, digest}, call)),
    listTags: (repository, call) => listAllTags(context, repository, call),
    listReferrers: (request, call) => listReferrers(context, request, call),
    listRepositories: () => listStoredRepositories(context),
    close: downloads.close,
    [Symbol.asyncDispose]: downloads.close,
  };
}

function findKnownDocument(
  {store, now}: ImageContext,
  repository: RepositoryName,
  tagOrDigest: string,
): ServedDocument | null {
  if (isDigest(tagOrDigest)) return findStoredDocument(store, tagOrDigest);
  const tag = store.read((database) => findTag(database, nameOf(repository, tagOrDigest)), null);
  if (tag) noteUse(store.paths, tag.manifestDigest, now());
  return tag && findStoredDocument(store, tag.targetDigest);
}

const nameOf = ({registry, repository}: RepositoryName, tag: string): string =>
  formatReference({registry, repository, tag, digest: null});

/** Before what runs is joined: it may be that which waits for this very answer. */
function requireFetching(code: string, what: string, {mayFetch}: ReadCall): void {
  if (!mayFetch) throw unknown(code, what);
}

async function askForDocument(
  {context, asked}: Parts,
  wanted: WantedDocument,
  signal: AbortSignal,
): Promise<ServedDocument> {
  const {repository, tagOrDigest} = wanted;
  const found = await fetchDocument(context, wanted, signal);
  if (!isDigest(tagOrDigest) && found.document) {
    asked.noteTag(repository, {tag: tagOrDigest, digest: found.digest, document: found.document});
  }
  return found;
}

async function findKnownBlob(
  context: ImageContext,
  digest: Digest,
  {signal, mayFetch}: ReadCall,
): Promise<ServedBlob | null> {
  const {store} = context;
  const stored = await openStoredBlob(store, digest);
  const size = stored || !mayFetch ? null : droppedBytes(store, digest);
  if (size === null) return stored;
  await fetchDropped(context, {digest, size}, {signal});
  return await openStoredBlob(store, digest);
}

/** The size of a blob of which only the layer file is kept; null: it is none. */
function droppedBytes(store: Store, digest: Digest): number | null {
  if (!hasLayerFileAlone(store, digest)) return null;
  const row = store.read(
    (database) => database.get('SELECT blob_bytes FROM image_layer WHERE blob_digest = ?', digest),
    undefined,
  );
  return row ? Number(row.blob_bytes) : null;
}

interface WantedBlob {
  readonly repository: RepositoryName;
  readonly digest: Digest;
}

async function fetchBlob(parts: Parts, wanted: WantedBlob, call: ReadCall): Promise<ServedBlob> {
  const {context, asked, downloads} = parts;
  const {repository, digest} = wanted;
  requireFetching('BLOB_UNKNOWN', `blob ${digest} of ${repository.repository}`, call);
  const known = asked.findBlob(repository, digest);
  const {size, mediaType} = known?.descriptor ?? {
    size: await askForSize(parts, wanted, call),
    mediaType: 'application/octet-stream',
  };
  const download = downloads.blob(repository, {digest, size, mediaType});
  const openOrigin = async (offset: number, signal: AbortSignal) =>
    (await context.registry()).openBlob(repository, {digest, size, mediaType}, {offset, signal});
  return await followDownload(context.store, {digest, size, openOrigin}, download);
}

/** Also where its blobs are there already, as those of other images. */
function keepImage({context: {store}, asked, downloads}: Parts, {repository, digest}: WantedBlob): void {
  const image = asked.findBlob(repository, digest)?.image;
  if (!image) return;
  const {reference, manifestDigest} = image;
  const isKept = (database: Database) =>
    reference.tag === null
      ? findImage(database, manifestDigest) !== null
      : findTag(database, formatReference(reference)) !== null;
  if (!store.read(isKept, false)) downloads.image(image);
}

async function askForSize({context, asked}: Parts, wanted: WantedBlob, {signal, mayFetch}: ReadCall): Promise<number> {
  const {repository, digest} = wanted;
  const known = asked.findBlob(repository, digest)?.descriptor.size ?? droppedBytes(context.store, digest);
  if (known !== null) return known;
  const head = mayFetch ? await (await context.registry()).headBlob(repository, digest, {signal}) : null;
  if (head?.size != null) return head.size;
  throw unknown('BLOB_UNKNOWN', `blob ${digest} of ${repository.repository}`);
}
