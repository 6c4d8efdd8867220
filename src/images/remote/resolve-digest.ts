import {WinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import type {Digest} from '../../oci/digest.ts';
import {parsePlatform} from '../../oci/platform.ts';
import {familiarReference, parseReference, type Reference, repositoryName} from '../../oci/reference.ts';
import type {RegistryClient} from '../../registry/client.ts';
import {fetchManifest, tagOrDigest} from '../fetch-manifest.ts';
import type {RemoteContext, RemotePlatformOptions} from './context.ts';
import {readNamedDocument} from './named-document.ts';

export interface RemoteDigest {
  readonly reference: string;
  /** Registry and repository in full (`docker.io/library/alpine`). */
  readonly repository: string;
  readonly digest: Digest;
  /** Null: the registry does not say. */
  readonly mediaType: string | null;
  /** Of the document, in bytes; null: the registry does not say. */
  readonly size: number | null;
}

/**
 * The digest that a reference leads to now: of the index where there is one, or of the manifest for a platform. Without
 * a platform it costs one request without a body.
 *
 * @throws {WinchError} `MANIFEST_UNKNOWN` (naming tags that exist nearby), `PLATFORM_MISSING`, `DIGEST_MISMATCH`, and
 * those of `RegistryClient`
 */
export async function resolveRemoteDigest(
  context: RemoteContext,
  text: string,
  {platform, ...options}: RemotePlatformOptions = {},
): Promise<RemoteDigest> {
  const reference = parseReference(text);
  const wanted = platform === undefined ? null : parsePlatform(platform);
  const client = await context.registry();
  const names = {reference: familiarReference(reference), repository: repositoryName(reference)};
  if (wanted === null) return {...names, ...(await askForDigest(client, reference, options))};
  const {digest, manifest, bytes} = await fetchManifest(client, {reference, platform: wanted}, options);
  return {...names, digest, mediaType: manifest.mediaType, size: bytes.length};
}

/** By HEAD; a registry that has no answer to that is asked for the document, which also says what is wrong. */
export async function askForDigest(
  client: RegistryClient,
  reference: Reference,
  options: CallOptions,
): Promise<Omit<RemoteDigest, 'reference' | 'repository'>> {
  const head = await client.headManifest(reference, tagOrDigest(reference), options);
  if (head === null || head.digest === null) {
    const {digest, contentType = null, bytes} = await readNamedDocument(client, reference, options);
    return {digest, mediaType: contentType, size: bytes.length};
  }
  if (reference.digest !== null && head.digest !== reference.digest) throw anotherDigest(reference, head.digest);
  return {digest: head.digest, mediaType: head.contentType ?? null, size: head.size};
}

const anotherDigest = (reference: Reference, found: Digest): WinchError =>
  new WinchError('DIGEST_MISMATCH', `${reference.registry} answers with ${found} for ${familiarReference(reference)}`, {
    kind: 'refused',
    hint: 'the registry or a proxy serves wrong data',
    details: {digest: found},
  });
