import type {CallOptions} from '../events.ts';
import type {Descriptor} from '../oci/descriptor.ts';
import type {Digest} from '../oci/digest.ts';
import type {RegistrySession} from './session.ts';

export interface Referrer extends Descriptor {
  readonly artifactType?: string;
}

export interface ReferrersRequest {
  readonly repository: string;
  readonly subject: Digest;
  readonly artifactType?: string | undefined;
  readonly options: CallOptions;
}

export interface ReferrersList {
  readonly referrers: readonly Referrer[];
  /** `tag`: the registry has no referrers API; they stand in the index under the tag `sha256-<hex>`. */
  readonly source: 'api' | 'tag';
}

/** @see RegistryClient.referrers */
export async function listReferrers(session: RegistrySession, request: ReferrersRequest): Promise<ReferrersList> {
  throw new Error(`not yet: ${session.registry} ${request.subject}`);
}
