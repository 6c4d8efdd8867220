import type {CallOptions} from '../../events.ts';
import {parseReference} from '../../oci/reference.ts';
import type {RateLimit} from '../../registry/rate-limit.ts';
import {tagOrDigest} from '../fetch-manifest.ts';
import type {RemoteContext} from './context.ts';

export interface RemoteRateLimit {
  readonly registry: string;
  readonly repository: string;
  /** Null: the registry announces none. */
  readonly rateLimit: RateLimit | null;
}

/** Docker's own repository for this question (docs.docker.com/docker-hub/usage/pulls). */
const DEFAULT_IMAGE = 'docker.io/ratelimitpreview/test';

/**
 * How many pulls a registry still grants whoever asks; the question itself costs none.
 *
 * @param text Default: what Docker Hub keeps for this.
 */
export async function readRemoteRateLimit(
  context: RemoteContext,
  text = DEFAULT_IMAGE,
  options: CallOptions = {},
): Promise<RemoteRateLimit> {
  const reference = parseReference(text);
  const client = await context.registry();
  const rateLimit = await client.rateLimit(reference, {...options, reference: tagOrDigest(reference)});
  const {registry, repository} = reference;
  return {registry, repository, rateLimit};
}
