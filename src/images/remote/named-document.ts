import {isWinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import {RAW_MANIFEST_ACCEPT} from '../../oci/media-types.ts';
import type {Reference} from '../../oci/reference.ts';
import type {RegistryClient} from '../../registry/client.ts';
import type {FetchedManifest} from '../../registry/manifests.ts';
import {fetchDocument, tagOrDigest} from '../fetch-manifest.ts';

/**
 * The document that a reference names, whatever it is, as the registry holds it.
 *
 * @throws {WinchError} `MANIFEST_UNKNOWN` (naming tags that exist nearby), and those of `RegistryClient.getManifest`
 */
export async function readNamedDocument(
  client: RegistryClient,
  reference: Reference,
  options: CallOptions,
): Promise<FetchedManifest> {
  try {
    return await client.getManifest(reference, tagOrDigest(reference), {...options, accept: RAW_MANIFEST_ACCEPT});
  } catch (error) {
    // Asks once more and fails with the tags that were likely meant.
    if (isWinchError(error, 'MANIFEST_UNKNOWN')) await fetchDocument(client, {reference}, options);
    throw error;
  }
}
