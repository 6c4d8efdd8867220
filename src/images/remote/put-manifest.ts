import {isNonEmptyString, isPlainObject} from '@sindresorhus/is';
import {WinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import type {Digest} from '../../oci/digest.ts';
import {MANIFEST_LIMIT_BYTES} from '../../oci/manifest.ts';
import {DOCKER_MANIFEST_V1, OCI_INDEX, OCI_MANIFEST} from '../../oci/media-types.ts';
import {familiarReference, parseReference} from '../../oci/reference.ts';
import {parseStrictJson} from '../../oci/strict-json.ts';
import {tagOrDigest} from '../fetch-manifest.ts';
import type {RemoteContext} from './context.ts';

export interface PutManifestOptions extends CallOptions {
  /** Default: what the document says, else by its shape. */
  readonly mediaType?: string | undefined;
}

export interface StoredManifest {
  readonly reference: string;
  readonly digest: Digest;
  readonly mediaType: string;
}

/**
 * Stores a document, byte for byte, under a tag or its own digest. Its blobs and manifests have to be there before.
 *
 * @throws {WinchError} `MANIFEST_TOO_LARGE` (4 MiB), `MANIFEST_INVALID` (no JSON, no type), and those of
 * `RegistryClient.putManifest`
 */
export async function putRemoteManifest(
  context: RemoteContext,
  {reference: text, bytes}: {readonly reference: string; readonly bytes: Uint8Array},
  {mediaType: given, ...options}: PutManifestOptions = {},
): Promise<StoredManifest> {
  const reference = parseReference(text);
  const name = familiarReference(reference);
  const mediaType = given ?? typeOf(bytes, `the manifest for ${name}`);
  const client = await context.registry();
  const {digest} = await client.putManifest(reference, tagOrDigest(reference), {bytes, mediaType}, options);
  return {reference: name, digest, mediaType};
}

function typeOf(bytes: Uint8Array, what: string): string {
  const codes = {invalid: 'MANIFEST_INVALID', tooLarge: 'MANIFEST_TOO_LARGE', ambiguous: 'MANIFEST_AMBIGUOUS'};
  const document = parseStrictJson(bytes, {what, limitBytes: MANIFEST_LIMIT_BYTES, codes});
  if (!isPlainObject(document)) throw typeUnknown(what);
  if (isNonEmptyString(document.mediaType)) return document.mediaType;
  if (document.schemaVersion === 1) return DOCKER_MANIFEST_V1;
  if ('manifests' in document) return OCI_INDEX;
  if ('config' in document || 'layers' in document) return OCI_MANIFEST;
  throw typeUnknown(what);
}

const typeUnknown = (what: string): WinchError =>
  new WinchError('MANIFEST_INVALID', `${what} says no media type and has no known shape`, {
    kind: 'refused',
    hint: 'name its media type',
  });
