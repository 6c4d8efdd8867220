import {WinchError} from '../errors.ts';
import type {EventSink} from '../events.ts';
import {type Digest, digestAlgorithm, digestOf, isDigest} from '../oci/digest.ts';
import {MANIFEST_LIMIT_BYTES} from '../oci/manifest.ts';
import {MANIFEST_ACCEPT} from '../oci/media-types.ts';
import {parseRateLimit, type RateLimit} from './rate-limit.ts';
import {readLimited} from './response-body.ts';
import {responseError, type Subject} from './response-errors.ts';
import {repeatCut} from './retries.ts';
import type {RetryPolicy} from './retry-budget.ts';
import type {RegistrySession} from './session.ts';
import type {TransportResponse} from './transport.ts';

export interface FetchedManifest {
  readonly bytes: Buffer;
  /** Without parameters. */
  readonly contentType: string | undefined;
  /** Computed from the bytes, by the algorithm that was asked for. */
  readonly digest: Digest;
}

export interface ManifestHead {
  /** What the registry says; null when it says none that is a digest. */
  readonly digest: Digest | null;
  readonly contentType: string | undefined;
  readonly size: number | null;
  /** How many pulls are left; null where the registry does not say. */
  readonly rateLimit: RateLimit | null;
}

interface ManifestRequest {
  readonly repository: string;
  readonly tagOrDigest: string;
  /** Default: `MANIFEST_ACCEPT`. */
  readonly accept?: string | undefined;
  readonly retryPolicy?: Partial<RetryPolicy> | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: EventSink | undefined;
}

/** @see RegistryClient.getManifest */
export const fetchManifest = (session: RegistrySession, request: ManifestRequest): Promise<FetchedManifest> =>
  repeatCut(() => fetchOnce(session, request), request);

async function fetchOnce(session: RegistrySession, request: ManifestRequest): Promise<FetchedManifest> {
  const response = await requestManifest(session, 'GET', request);
  if (response.status !== 200) throw await responseError(response, subjectOf(session, request));
  const bytes = await readManifest(response, session, request);
  const {tagOrDigest} = request;
  if (!isDigest(tagOrDigest)) return {bytes, contentType: contentTypeOf(response), digest: digestOf(bytes)};
  const digest = digestOf(bytes, digestAlgorithm(tagOrDigest));
  if (digest !== tagOrDigest) {
    if (session.distrust(response)) return fetchManifest(session, request);
    throw digestMismatch(session, request, digest);
  }
  return {bytes, contentType: contentTypeOf(response), digest};
}

/** @see RegistryClient.headManifest */
export async function headManifest(session: RegistrySession, request: ManifestRequest): Promise<ManifestHead | null> {
  const response = await requestManifest(session, 'HEAD', request);
  if (response.status !== 200 && response.status !== 404)
    throw await responseError(response, subjectOf(session, request));
  await response.discard();
  if (response.status === 404) return null;
  const digest = response.headers['docker-content-digest'];
  const length = response.headers['content-length'] ?? '';
  return {
    digest: isDigest(digest) ? digest : null,
    contentType: contentTypeOf(response),
    size: /^\d{1,15}$/.test(length) ? Number(length) : null,
    rateLimit: parseRateLimit(response.headers),
  };
}

function requestManifest(session: RegistrySession, method: 'GET' | 'HEAD', request: ManifestRequest) {
  const {repository, tagOrDigest, accept = MANIFEST_ACCEPT, signal} = request;
  const path = `/v2/${repository}/manifests/${tagOrDigest}`;
  return session.request({method, path, repository, headers: {accept}, signal});
}

function readManifest(
  response: TransportResponse,
  {registry}: RegistrySession,
  {repository, tagOrDigest}: ManifestRequest,
): Promise<Buffer> {
  const tooLarge = () =>
    new WinchError('MANIFEST_TOO_LARGE', `the manifest ${tagOrDigest} of ${registry}/${repository} is above 4 MiB`, {
      kind: 'refused',
      hint: 'no image needs that much; the registry serves something else',
      details: {limitBytes: MANIFEST_LIMIT_BYTES},
    });
  if (Number(response.headers['content-length'] ?? 0) > MANIFEST_LIMIT_BYTES) {
    response.close();
    throw tooLarge();
  }
  return readLimited(response, {limitBytes: MANIFEST_LIMIT_BYTES, tooLarge});
}

const contentTypeOf = ({headers}: TransportResponse): string | undefined =>
  headers['content-type']?.split(';', 1)[0]?.trim();

function subjectOf(session: RegistrySession, {repository, tagOrDigest}: ManifestRequest): Subject {
  const name = isDigest(tagOrDigest) ? `manifest ${tagOrDigest}` : `tag ${tagOrDigest}`;
  const notFound = {
    code: 'MANIFEST_UNKNOWN',
    message: `${session.registry}/${repository} has no ${name}`,
    hint: 'check how the tag and the repository are written',
  };
  return {
    registry: session.registry,
    repository,
    wanted: `the ${name} of ${repository}`,
    notFound,
    secrets: session.secrets(),
  };
}

function digestMismatch(
  {registry}: RegistrySession,
  {repository, tagOrDigest}: ManifestRequest,
  got: Digest,
): WinchError {
  return new WinchError(
    'DIGEST_MISMATCH',
    `the manifest ${tagOrDigest} of ${registry}/${repository} has the digest ${got}`,
    {
      kind: 'refused',
      hint: 'the registry or a proxy serves wrong data; nothing was kept',
      details: {expected: tagOrDigest, actual: got},
    },
  );
}
