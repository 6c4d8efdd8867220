import {isWinchError, WinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import {type Digest, digestAlgorithm, digestOf, shortDigest} from '../../oci/digest.ts';
import {parseReference, type Reference} from '../../oci/reference.ts';
import type {Database} from '../../store/database.ts';
import type {NeededFile} from '../../store/expected-files.ts';
import {findImage, listedLayersOf} from '../../store/image-records.ts';
import {listTags, tagsOf} from '../../store/tags.ts';
import type {ImageContext} from '../context.ts';
import {fetchBlob} from '../fetch-blob.ts';
import {copyPlainTar, hasPlainTar} from '../plain-tar.ts';
import type {BlobRecord} from '../receive-layer.ts';
import {setDamagedAside} from './set-damaged-aside.ts';

const CONFIG_TYPE = 'application/vnd.oci.image.config.v1+json';

/** A blob of the store with the images that need it. */
export interface BlobToRestore {
  readonly digest: Digest;
  readonly users: readonly Digest[];
}

/**
 * Sets a damaged blob aside and has it again: out of its layer file where that has the very bytes, else as
 * `downloadAgain`.
 *
 * @returns what was done, one line for people
 */
export async function restoreBlob(context: ImageContext, file: NeededFile, options: CallOptions): Promise<string> {
  if (!(await setDamagedAside(context, file, options))) return 'somebody has made it good';
  if (await takeFromLayer(context, file, options)) return 'copied from its layer file';
  await downloadAgain(context, file, options);
  return 'downloaded again';
}

async function takeFromLayer(context: ImageContext, file: NeededFile, options: CallOptions): Promise<boolean> {
  const {store} = context;
  const record = store.read((database) => findBlobRecord(database, file), null);
  if (record === null || !hasPlainTar(store, file.digest)) return false;
  try {
    await copyPlainTar(context, {digest: file.digest, size: record.blobBytes}, options);
    return true;
  } catch (error) {
    // The layer file is damaged as well.
    if (isWinchError(error) && error.kind === 'refused') return false;
    throw error;
  }
}

/**
 * Downloads a blob from where the tags of its images say; the caller holds a lease.
 *
 * @throws {WinchError} `BLOB_UNRECOVERABLE`: no tag says where it came from, or it is there no more | of the registry
 */
export async function downloadAgain(context: ImageContext, blob: BlobToRestore, options: CallOptions): Promise<void> {
  const {store} = context;
  const origins = store.read((database) => findOrigins(database, blob), []);
  const record = store.read((database) => findBlobRecord(database, blob), null);
  const failures: unknown[] = [];
  for (const reference of origins) {
    try {
      if (record) await fetchBlob(context, {reference, layer: record}, options);
      else await fetchDocument(context, {reference, digest: blob.digest}, options);
      return;
    } catch (error) {
      if (!isWinchError(error) || error.kind === 'storage' || error.kind === 'interrupted') throw error;
      failures.push(error);
    }
  }
  const passing = failures.find((error) => isWinchError(error) && error.kind !== 'not-found');
  throw passing ?? unrecoverable(blob.digest, origins.length);
}

/** Every tag of the images; the same repository once. */
function findOrigins(database: Database, {digest, users}: BlobToRestore): readonly Reference[] {
  const named = listTags(database).filter((tag) => tag.targetDigest === digest);
  const tags = [...users.flatMap((user) => tagsOf(database, user)), ...named];
  const references = tags.map((tag) => parseReference(tag.reference));
  return [...new Map(references.map((found) => [`${found.registry}/${found.repository}`, found])).values()];
}

/** Null: it is a manifest or an index. */
function findBlobRecord(database: Database, {digest, users}: BlobToRestore): BlobRecord | null {
  for (const user of users) {
    const image = findImage(database, user);
    if (image?.configDigest === digest) {
      return {blobDigest: digest, blobBytes: image.configBytes, mediaType: CONFIG_TYPE};
    }
    const layer = listedLayersOf(database, user).find(({blobDigest}) => blobDigest === digest);
    if (layer) return layer;
  }
  return null;
}

interface DocumentToFetch {
  readonly reference: Reference;
  readonly digest: Digest;
}

async function fetchDocument(
  {store, registry}: ImageContext,
  {reference, digest}: DocumentToFetch,
  {signal, onEvent}: CallOptions,
): Promise<void> {
  const {bytes} = await (await registry()).getManifest(reference, digest, {signal, onEvent});
  if (digestOf(bytes, digestAlgorithm(digest)) !== digest) throw unrecoverable(digest, 1);
  await store.blobs.put(digest, bytes);
}

const unrecoverable = (digest: Digest, origins: number) =>
  new WinchError(
    'BLOB_UNRECOVERABLE',
    `blob ${shortDigest(digest)} ${origins === 0 ? 'has no tag that says where it came from' : 'is no longer where it came from'}`,
    {kind: 'not-found', hint: 'the images that need it are of no use'},
  );
