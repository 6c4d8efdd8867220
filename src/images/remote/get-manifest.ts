import type {Digest} from '../../oci/digest.ts';
import {parsePlatform} from '../../oci/platform.ts';
import {familiarReference, parseReference} from '../../oci/reference.ts';
import {fetchManifest} from '../fetch-manifest.ts';
import type {RemoteContext, RemotePlatformOptions} from './context.ts';
import {readNamedDocument} from './named-document.ts';

export interface RemoteManifest {
  readonly reference: string;
  /** Of the bytes. */
  readonly digest: Digest;
  /** Null: the registry does not say. */
  readonly mediaType: string | null;
  /** As the registry holds them; they need not be JSON. */
  readonly bytes: Uint8Array;
}

/**
 * The document that a reference names, unread; with a platform, the manifest that an index has for it.
 *
 * @throws {WinchError} `MANIFEST_UNKNOWN`, `PLATFORM_MISSING`, `DIGEST_MISMATCH`, and those of `RegistryClient`
 */
export async function getRemoteManifest(
  context: RemoteContext,
  text: string,
  {platform, ...options}: RemotePlatformOptions = {},
): Promise<RemoteManifest> {
  const reference = parseReference(text);
  const wanted = platform === undefined ? null : parsePlatform(platform);
  const client = await context.registry();
  const name = familiarReference(reference);
  if (wanted === null) {
    const {digest, bytes, contentType = null} = await readNamedDocument(client, reference, options);
    return {reference: name, digest, bytes, mediaType: contentType};
  }
  const {digest, bytes, manifest} = await fetchManifest(client, {reference, platform: wanted}, options);
  return {reference: name, digest, bytes, mediaType: manifest.mediaType};
}
