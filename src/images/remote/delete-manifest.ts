import type {CallOptions} from '../../events.ts';
import type {Digest} from '../../oci/digest.ts';
import {familiarReference, parseReference} from '../../oci/reference.ts';
import type {RemoteContext} from './context.ts';
import {askForDigest} from './resolve-digest.ts';

export interface DeleteManifestOptions extends CallOptions {
  /** Takes away the tag and leaves the manifest and its other tags; few registries do it. */
  readonly tagOnly?: boolean | undefined;
}

export interface DeletedManifest {
  readonly reference: string;
  /** Null: only the tag was deleted. */
  readonly digest: Digest | null;
}

/**
 * Deletes what a reference leads to, with all tags that lead there; never the manifests that an index names.
 *
 * @throws {WinchError} `MANIFEST_UNKNOWN`, `DELETE_UNSUPPORTED`, and those of `RegistryClient`
 */
export async function deleteRemoteManifest(
  context: RemoteContext,
  text: string,
  {tagOnly = false, ...options}: DeleteManifestOptions = {},
): Promise<DeletedManifest> {
  const reference = parseReference(text);
  const client = await context.registry();
  const name = familiarReference(reference);
  if (tagOnly && reference.digest === null && reference.tag !== null) {
    await client.deleteManifest(reference, reference.tag, options);
    return {reference: name, digest: null};
  }
  const digest = reference.digest ?? (await askForDigest(client, reference, options)).digest;
  await client.deleteManifest(reference, digest, options);
  return {reference: name, digest};
}
