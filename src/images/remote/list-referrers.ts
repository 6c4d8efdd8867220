import {WinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import type {Descriptor} from '../../oci/descriptor.ts';
import type {Digest} from '../../oci/digest.ts';
import {familiarReference, parseReference, type Reference} from '../../oci/reference.ts';
import type {RegistryClient} from '../../registry/client.ts';
import type {RemoteContext, RemotePlatformOptions} from './context.ts';
import {askForDigest, resolveRemoteDigest} from './resolve-digest.ts';

export interface RemoteReferrers {
  readonly reference: string;
  /** What the referrers are about. */
  readonly subject: Digest;
  /** `api`: by the referrers API. `tag`: the registry has none; they stand in the index under the subject's tag. */
  readonly source: 'api' | 'tag';
  readonly referrers: readonly RemoteReferrer[];
}

export interface RemoteReferrer {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly size: number;
  /** Null: the registry does not say. */
  readonly artifactType: string | null;
  readonly annotations: Readonly<Record<string, string>>;
  /** Its own referrers; null: they were not asked for. */
  readonly referrers: readonly RemoteReferrer[] | null;
}

export interface ListReferrersOptions extends RemotePlatformOptions {
  readonly artifactType?: string | undefined;
  /** Also those of the referrers, and so on, four deep. */
  readonly isDeep?: boolean | undefined;
}

const DEPTH_LIMIT = 4;
/** Of one tree; each costs a request. */
const NODES_LIMIT = 1000;

/**
 * Manifests that name an image as their subject: signatures, SBOMs, attestations; at most 10 000.
 *
 * @throws {WinchError} `MANIFEST_UNKNOWN`, `LIMIT_REFERRERS` (a tree of more than 1 000), and those of `RegistryClient`
 * @see distribution-spec v1.1.1 spec.md#listing-referrers
 */
export async function listRemoteReferrers(
  context: RemoteContext,
  text: string,
  {artifactType, isDeep = false, platform, ...options}: ListReferrersOptions = {},
): Promise<RemoteReferrers> {
  const reference = parseReference(text);
  const client = await context.registry();
  const subject = reference.digest !== null && platform === undefined ? reference.digest : await resolve();
  const list = await client.referrers(reference, subject, {...options, artifactType});
  const flat = list.referrers.map((descriptor) => describe(descriptor, null));
  const referrers = isDeep ? await deepen({client, reference, options}, list.referrers) : flat;
  return {reference: familiarReference(reference), subject, source: list.source, referrers};

  async function resolve(): Promise<Digest> {
    if (platform === undefined) return (await askForDigest(client, reference, options)).digest;
    return (await resolveRemoteDigest(context, text, {...options, platform})).digest;
  }
}

interface Walk {
  readonly client: RegistryClient;
  readonly reference: Reference;
  readonly options: CallOptions;
}

async function deepen(walk: Walk, roots: readonly Descriptor[]): Promise<readonly RemoteReferrer[]> {
  const {client, reference, options} = walk;
  // A tag that lists them may lie, so a circle is possible.
  const seen = new Set<Digest>();
  const visit = async (descriptors: readonly Descriptor[], depth: number): Promise<readonly RemoteReferrer[]> => {
    if (seen.size + descriptors.length > NODES_LIMIT) throw treeTooLarge(reference);
    const nodes: RemoteReferrer[] = [];
    for (const descriptor of descriptors) {
      const isLeaf = depth >= DEPTH_LIMIT || seen.has(descriptor.digest);
      seen.add(descriptor.digest);
      const below = isLeaf ? [] : (await client.referrers(reference, descriptor.digest, options)).referrers;
      nodes.push(describe(descriptor, await visit(below, depth + 1)));
    }
    return nodes;
  };
  return await visit(roots, 1);
}

const describe = (
  {digest, mediaType, size, artifactType, annotations = {}}: Descriptor,
  referrers: RemoteReferrer['referrers'],
): RemoteReferrer => ({digest, mediaType, size, artifactType: artifactType ?? null, annotations, referrers});

const treeTooLarge = (reference: Reference): WinchError =>
  new WinchError(
    'LIMIT_REFERRERS',
    `${familiarReference(reference)} has a tree of more than ${NODES_LIMIT} referrers`,
    {
      kind: 'refused',
      hint: 'list one level of them, or one type',
    },
  );
