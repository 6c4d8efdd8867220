import type {Digest} from '../../oci/digest.ts';
import {parsePlatform} from '../../oci/platform.ts';
import {familiarReference, parseReference} from '../../oci/reference.ts';
import {fetchManifest} from '../fetch-manifest.ts';
import {readConfig} from '../resolve-image.ts';
import type {RemoteContext, RemotePlatformOptions} from './context.ts';

export interface RemoteConfig {
  readonly reference: string;
  readonly digest: Digest;
  readonly mediaType: string;
  /** As the registry holds them, verified; those of an artifact need not be an image's. */
  readonly bytes: Uint8Array;
}

/**
 * The config of an image or artifact, unread.
 *
 * @param options.platform Default: this machine's.
 * @throws {WinchError} `MANIFEST_UNKNOWN`, `PLATFORM_MISSING`, `DIGEST_MISMATCH`, `CONFIG_TOO_LARGE` (4 MiB), and those
 * of `RegistryClient`
 */
export async function getRemoteConfig(
  context: RemoteContext,
  text: string,
  {platform, ...options}: RemotePlatformOptions = {},
): Promise<RemoteConfig> {
  const reference = parseReference(text);
  const wanted = platform === undefined ? context.hostPlatform : parsePlatform(platform);
  const client = await context.registry();
  const {manifest} = await fetchManifest(client, {reference, platform: wanted}, options);
  const {digest, mediaType} = manifest.config;
  const bytes = await readConfig(client, reference, {descriptor: manifest.config, options});
  return {reference: familiarReference(reference), digest, mediaType, bytes};
}
