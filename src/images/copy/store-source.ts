import {WinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import {readRegion} from '../../host/file-regions.ts';
import {storageError} from '../../host/storage-error.ts';
import type {ContentDocument, ContentSource, DocumentName} from '../../media/content.ts';
import {readDocument} from '../../media/content-document.ts';
import type {Descriptor} from '../../oci/descriptor.ts';
import type {Digest} from '../../oci/digest.ts';
import {MANIFEST_LIMIT_BYTES} from '../../oci/manifest.ts';
import {formatPlatform, isAttestation, normalizePlatform, parsePlatform, splitPlatform} from '../../oci/platform.ts';
import {familiarReference, parseReference, type Reference} from '../../oci/reference.ts';
import {isDropped} from '../../store/dropped-blobs.ts';
import {imagesOfIndex} from '../../store/index-parts.ts';
import {noteUse} from '../../store/last-use.ts';
import type {Store} from '../../store/store.ts';
import {tagsOf} from '../../store/tags.ts';
import type {ImageContext} from '../context.ts';
import {fetchDropped} from '../dropped-blobs.ts';
import {type FoundImage, requireStoredImage} from '../find-image.ts';
import {claimImage} from '../hold-lease.ts';
import {hasWholeIndex} from '../stored-index.ts';

export interface StoredName {
  /** A reference, or the id of an image. */
  readonly name: string;
  readonly platform?: string | undefined;
  /** Whether everything that the name leads to is wanted, or nothing. */
  readonly isWhole: boolean;
}

/**
 * A stored image: all of its index where all of that is stored, else the manifest that the tag chose, as docker has it.
 *
 * Blobs that were dropped are brought back when they are read, which then may reject with `BLOB_DROPPED`.
 *
 * @throws {WinchError} `IMAGE_UNKNOWN` | `IMAGE_AMBIGUOUS` | `PLATFORMS_MISSING`: not all are stored, and all are wanted
 */
export async function openStoreSource(
  context: ImageContext,
  stored: StoredName,
  options: CallOptions,
): Promise<ContentSource> {
  const {store} = context;
  const {name, platform} = stored;
  const lease = await store.readerLease(options.signal);
  try {
    const found = await claimImage({store, lease}, () => requireStoredImage(store, name, platform));
    if (platform !== undefined) requirePlatform(found, name, platform);
    noteUse(store.paths, found.image.manifestDigest, context.now());
    const rootDigest = await chooseRoot(store, found, stored, options);
    const root = async () => readStored(store, {digest: rootDigest});
    return {
      name: `store:${name}`,
      rootDigest: async () => rootDigest,
      root,
      document: async (wanted) => readStored(store, wanted),
      blob: (descriptor) => ({
        open: (offset, call) => readOrFetch({...context, lease}, {descriptor, offset}, {...options, ...call}),
      }),
      blobFile: (digest) => store.blobs.path(digest),
      referrers: async () => [],
      repositories: repositoriesOf(store, found.image.manifestDigest),
      close: async () => lease?.release(),
    };
  } catch (error) {
    lease?.release();
    throw error;
  }
}

async function chooseRoot(
  store: Store,
  {image, tag}: FoundImage,
  {name, platform, isWhole}: StoredName,
  options: CallOptions,
): Promise<Digest> {
  const targetDigest = tag?.targetDigest ?? image.manifestDigest;
  if (targetDigest === image.manifestDigest || platform !== undefined) return image.manifestDigest;
  const reference = tag ? parseReference(tag.reference) : referenceOf(name);
  if (await hasWholeIndex(store, {reference, targetDigest}, options)) return targetDigest;
  if (isWhole) throw platformsMissing(store, reference, targetDigest);
  return image.manifestDigest;
}

/** Only a name leads to an index. */
function referenceOf(name: string): Reference {
  return parseReference(name);
}

function platformsMissing(store: Store, reference: Reference, digest: Digest): WinchError {
  const {document} = readStored(store, {digest});
  const stored = store.read(
    (database) => imagesOfIndex(database, digest).map(({manifestDigest}) => manifestDigest),
    [],
  );
  const members = document.kind === 'index' ? document.manifests.filter((entry) => !isAttestation(entry)) : [];
  const missing = members
    .filter((entry) => !stored.includes(entry.digest) || !store.blobs.has(entry))
    .map(({platform, digest: member}) => (platform ? formatPlatform(normalizePlatform(platform)) : member));
  const what = missing.length > 0 ? missing.join(', ') : 'some of its attestations';
  return new WinchError(
    'PLATFORMS_MISSING',
    `${familiarReference(reference)} is not all in the store: it lacks ${what}`,
    {
      kind: 'not-found',
      hint: 'pull it for all platforms first',
      details: {platforms: missing},
    },
  );
}

function requirePlatform({image}: FoundImage, name: string, wanted: string): void {
  const has = splitPlatform(image.platform);
  const {os, architecture} = parsePlatform(wanted);
  if (has.os === os && has.architecture === architecture) return;
  throw new WinchError('PLATFORM_MISSING', `${name} is in the store for ${image.platform} and not for ${wanted}`, {
    kind: 'not-found',
    hint: 'pull it for that platform first',
  });
}

/** @throws {WinchError} `BLOB_MISSING` | `STORE_CORRUPT`, and as `parseManifestDocument` */
export function readStored(store: Store, name: DocumentName): ContentDocument {
  const bytes = store.blobs.read(name.digest, MANIFEST_LIMIT_BYTES);
  return readDocument({bytes, name, where: `stored manifest ${name.digest}`});
}

export interface BlobPart {
  readonly descriptor: Descriptor;
  readonly offset: number;
}

/** What was dropped is downloaded only when somebody wants its bytes. */
async function* readOrFetch(context: ImageContext, part: BlobPart, options: CallOptions): AsyncGenerator<Buffer> {
  const {store} = context;
  const {descriptor} = part;
  const isGone =
    !store.blobs.has(descriptor) && store.read((database) => isDropped(database, descriptor.digest), false);
  if (isGone) await fetchDropped(context, descriptor, options);
  yield* readBlob(store, part, options);
}

/** @throws {WinchError} `BLOB_MISSING` | `STORE_IO` */
export async function* readBlob(
  store: Store,
  {descriptor: {digest, size}, offset}: BlobPart,
  options: {readonly signal?: AbortSignal | undefined} = {},
): AsyncGenerator<Buffer> {
  if (!store.blobs.has({digest, size})) {
    throw new WinchError('BLOB_MISSING', `blob ${digest} is not in the store`, {
      kind: 'corrupt',
      hint: 'pull the image again',
    });
  }
  const path = store.blobs.path(digest);
  try {
    yield* readRegion({path, offset: 0, size}, offset, options);
  } catch (error) {
    throw storageError(error, path);
  }
}

/** Where the image came from, or was named for. */
const repositoriesOf = (store: Store, manifestDigest: Digest) =>
  store.read((database) => tagsOf(database, manifestDigest), []).map(({reference}) => parseReference(reference));
