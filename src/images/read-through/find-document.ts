import {isWinchError} from '../../errors.ts';
import type {Digest} from '../../oci/digest.ts';
import type {ImageIndex} from '../../oci/image-index.ts';
import {MANIFEST_LIMIT_BYTES, type Manifest, parseManifestDocument} from '../../oci/manifest.ts';
import {OCI_MANIFEST, RAW_MANIFEST_ACCEPT} from '../../oci/media-types.ts';
import type {RepositoryName} from '../../registry/client.ts';
import type {Store} from '../../store/store.ts';
import type {ImageContext} from '../context.ts';

/** A manifest or index, byte for byte. */
export interface ServedDocument {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly bytes: Buffer;
  /** What it says; null: it is of a kind that is only passed on. */
  readonly document: Manifest | ImageIndex | null;
}

/** The stored document of this digest; null where there is none, or its bytes are damaged. */
export function findStoredDocument(store: Store, digest: Digest): ServedDocument | null {
  try {
    const bytes = store.blobs.read(digest, MANIFEST_LIMIT_BYTES);
    const document = parseManifestDocument(bytes, {where: `blob ${digest}`});
    return {digest, mediaType: document.mediaType, bytes, document};
  } catch (error) {
    // Some other blob may have been asked for as if it were one.
    if (isWinchError(error) && (error.kind === 'corrupt' || error.kind === 'refused')) return null;
    throw error;
  }
}

/**
 * Fetches a document from its registry and stores it, until garbage is collected before an image needs it.
 *
 * @throws {WinchError} as `RegistryClient.getManifest`
 */
export async function fetchDocument(
  {store, registry}: ImageContext,
  {repository, tagOrDigest}: {readonly repository: RepositoryName; readonly tagOrDigest: string},
  signal: AbortSignal,
): Promise<ServedDocument> {
  const client = await registry();
  const {bytes, contentType, digest} = await client.getManifest(repository, tagOrDigest, {
    accept: RAW_MANIFEST_ACCEPT,
    signal,
  });
  const document = parseOrNull(bytes, contentType);
  if (document === null) return {digest, mediaType: contentType ?? OCI_MANIFEST, bytes, document};
  using lease = await store.lease(signal);
  await lease.claim([digest]);
  await store.blobs.put(digest, bytes);
  return {digest, mediaType: document.mediaType, bytes, document};
}

function parseOrNull(bytes: Buffer, contentType: string | undefined): Manifest | ImageIndex | null {
  try {
    return parseManifestDocument(bytes, {contentType, where: 'the manifest'});
  } catch (error) {
    if (isWinchError(error)) return null;
    throw error;
  }
}
