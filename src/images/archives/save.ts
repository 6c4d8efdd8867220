import {WinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import {wrongBytes} from '../../layers/pack.ts';
import {type TarFile, writeTar} from '../../layers/tar-writer.ts';
import {requireForDocker} from '../../media/archive-target.ts';
import type {ContentDocument, ContentSource} from '../../media/content.ts';
import {blobPath} from '../../media/layout-source.ts';
import {warnOfDockerTypes} from '../../media/layout-target.ts';
import type {Descriptor} from '../../oci/descriptor.ts';
import {createDigester, type Digest, digestAlgorithm} from '../../oci/digest.ts';
import {familiarReference, parseReference} from '../../oci/reference.ts';
import {isDropped} from '../../store/dropped-blobs.ts';
import type {ImageContext} from '../context.ts';
import {readGraph} from '../copy/content-graph.ts';
import {openStoreSource} from '../copy/store-source.ts';
import {fetchDropped} from '../dropped-blobs.ts';
import {isStoredId, requireStoredImage} from '../find-image.ts';
import {type ImageEvent, recordImageEvents} from '../record-image-event.ts';
import {documentFiles} from './archive-documents.ts';

export interface SaveOptions extends CallOptions {
  /**
   * - `oci-archive` (default): an OCI layout, which docker loads as well where it knows the layers' compression
   * - `docker-archive`: the same, of single images that every docker loads, or nothing
   */
  readonly format?: 'oci-archive' | 'docker-archive' | undefined;
  /** Only the image for this platform; absent: everything of an index where all of it is stored, else one image. */
  readonly platform?: string | undefined;
  /** Everything that the names lead to, or nothing. */
  readonly allPlatforms?: boolean | undefined;
}

/** A new archive, to be read once and closed. */
export interface ImageArchive {
  /** What each name leads to in the archive, as they were given. */
  readonly images: readonly {readonly name: string; readonly digest: string}[];
  /** The tar. Blobs are hashed on their way: reading rejects with `STORE_CORRUPT`, and the tar has no end then. */
  readonly content: AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

/** One image on its way into an archive. */
export interface ImageToSave {
  /** As people write it; null for an image that was named by its id or digest. */
  readonly name: string | null;
  readonly root: ContentDocument;
  readonly documents: readonly ContentDocument[];
  readonly blobs: readonly Descriptor[];
  /** What docker takes for the image. */
  readonly chosen: ContentDocument;
  readonly source: ContentSource;
}

/** No more often than a display can follow. */
const EVENT_BYTES = 1024 * 1024;

/**
 * Writes stored images as one archive. Nothing is packed anew, so every digest stays; a blob of several images is in it
 * once. Equal images give equal bytes. Nothing is removed from the store until the archive is closed.
 *
 * @throws {WinchError} `IMAGE_UNKNOWN` | `PLATFORMS_MISSING` | `BLOB_MISSING` | `BLOB_DROPPED` | `DOCKER_ARCHIVE_UNSUITABLE`
 */
export async function saveImages(
  context: ImageContext,
  given: readonly string[],
  options: SaveOptions = {},
): Promise<ImageArchive> {
  const {store} = context;
  const names = [...new Set(given)];
  const images: ImageToSave[] = [];
  const close = async () => {
    for (const {source} of images) await source.close();
  };
  try {
    for (const name of names) images.push(await openImage(context, name, options));
    const blobs = distinctBlobs(images);
    for (const {blob} of blobs) if (!store.blobs.has(blob)) await requireBlob(context, blob, options);
    const files = [...documentFiles(images), ...blobs.map((part) => blobFile(part, options))];
    recordImageEvents(context, images.map(eventOf));
    return {
      images: images.map(({root}, at) => ({name: names[at] ?? '', digest: root.descriptor.digest})),
      content: writeTar(files),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function eventOf({name, chosen: {document, descriptor}}: ImageToSave): ImageEvent {
  const id = document.kind === 'manifest' ? document.config.digest : descriptor.digest;
  return {action: 'save', id, name: name ?? id};
}

/** An archive has no turning back: what was dropped comes first. */
async function requireBlob(context: ImageContext, blob: Descriptor, options: CallOptions): Promise<void> {
  const {store} = context;
  if (!store.read((database) => isDropped(database, blob.digest), false)) throw blobMissing(blob);
  await fetchDropped(context, blob, options);
}

async function openImage(context: ImageContext, text: string, options: SaveOptions): Promise<ImageToSave> {
  const {store} = context;
  const {format = 'oci-archive', platform, allPlatforms: isWhole = false} = options;
  const source = await openStoreSource(context, {name: text, platform, isWhole}, options);
  try {
    const {image} = requireStoredImage(store, text, platform);
    const chosen = await source.document({digest: image.manifestDigest}, options);
    const root = format === 'docker-archive' && !isWhole ? chosen : await source.root(options);
    if (format === 'docker-archive') requireForDocker(root, 'the archive');
    else warnOfDockerTypes(root, options);
    const graph = await readGraph(source, {root, role: 'root'}, {...options, foreign: false});
    return {name: nameOf(store, text), root, chosen, source, documents: graph.documents, blobs: graph.blobs};
  } catch (error) {
    await source.close();
    throw error;
  }
}

function nameOf(store: ImageContext['store'], text: string): string | null {
  if (isStoredId(store, text)) return null;
  const reference = parseReference(text);
  return reference.digest === null ? familiarReference(reference) : null;
}

interface BlobToSave {
  readonly blob: Descriptor;
  readonly source: ContentSource;
}

function distinctBlobs(images: readonly ImageToSave[]): readonly BlobToSave[] {
  const parts = images.flatMap(({blobs, source}) => blobs.map((blob) => ({blob, source})));
  const byDigest = new Map<Digest, BlobToSave>(parts.map((part) => [part.blob.digest, part]));
  return [...byDigest.values()].toSorted((a, b) => (a.blob.digest < b.blob.digest ? -1 : 1));
}

const blobFile = ({blob, source}: BlobToSave, options: CallOptions): TarFile => ({
  path: blobPath(blob.digest),
  size: blob.size,
  content: readChecked(blob, source, options),
});

async function* readChecked(
  {digest, size}: Descriptor,
  source: ContentSource,
  {signal, onEvent}: CallOptions,
): AsyncGenerator<Uint8Array> {
  const digester = createDigester(digestAlgorithm(digest));
  onEvent?.({type: 'upload:started', digest, totalBytes: size});
  let [sentBytes, told] = [0, 0];
  for await (const piece of source.blob({digest, size, mediaType: ''}).open(0, {signal})) {
    digester.update(piece);
    yield piece;
    sentBytes += piece.length;
    if (sentBytes - told < EVENT_BYTES) continue;
    told = sentBytes;
    onEvent?.({type: 'upload:sent', digest, sentBytes, totalBytes: size});
  }
  if (digester.digest() !== digest) throw wrongBytes(digest);
  onEvent?.({type: 'upload:finished', digest, size, outcome: 'uploaded'});
}

const blobMissing = ({digest}: Descriptor): WinchError =>
  new WinchError('BLOB_MISSING', `blob ${digest} is not in the store`, {
    kind: 'corrupt',
    hint: 'pull the image again',
  });
