import {WinchError} from '../errors.ts';
import type {CallOptions} from '../events.ts';
import type {Descriptor} from '../oci/descriptor.ts';
import type {Digest} from '../oci/digest.ts';
import type {ImageIndex} from '../oci/image-index.ts';
import {MANIFEST_LIMIT_BYTES, parseManifestDocument} from '../oci/manifest.ts';
import {OCI_INDEX} from '../oci/media-types.ts';
import {nextPage} from './paged-list.ts';
import {readReferrersTag} from './referrers-tag.ts';
import {readLimited} from './response-body.ts';
import {responseError, type Subject} from './response-errors.ts';
import type {RegistrySession} from './session.ts';
import type {TransportResponse} from './transport.ts';

export type Referrer = Descriptor;

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

const REFERRERS_LIMIT = 10_000;
/** What registries without the API answer. */
const WITHOUT_API: readonly number[] = Object.freeze([400, 404, 405, 501]);

/** @see RegistryClient.referrers */
export async function listReferrers(session: RegistrySession, request: ReferrersRequest): Promise<ReferrersList> {
  const listed = await askApi(session, request);
  if (listed !== null) return {referrers: listed, source: 'api'};
  const {repository, subject, artifactType, options} = request;
  const tagged = await readReferrersTag(session, {repository, subject, signal: options.signal});
  const referrers = tagged === null || tagged.index === null ? [] : tagged.index.manifests;
  return {referrers: filterByType(referrers, artifactType), source: 'tag'};
}

/** Null: the registry has no such API. */
async function askApi(session: RegistrySession, request: ReferrersRequest): Promise<readonly Referrer[] | null> {
  const {repository, subject, artifactType, options} = request;
  const base = `/v2/${repository}/referrers/${subject}`;
  const query = artifactType === undefined ? '' : `?${new URLSearchParams({artifactType})}`;
  const found: Referrer[] = [];
  let path: string | null = `${base}${query}`;
  while (path !== null && found.length < REFERRERS_LIMIT) {
    const response: TransportResponse = await session.request({
      path,
      repository,
      headers: {accept: OCI_INDEX},
      signal: options.signal,
      onEvent: options.onEvent,
    });
    const isFirst = path === `${base}${query}`;
    if (isFirst && isWithoutApi(response)) {
      await response.discard();
      return null;
    }
    if (response.status !== 200) throw await responseError(response, subjectOf(session, request));
    const {manifests} = await readPage(response, session, request);
    const isFiltered = String(response.headers['oci-filters-applied'] ?? '').includes('artifactType');
    found.push(...(isFiltered ? manifests : filterByType(manifests, artifactType)));
    path = manifests.length === 0 ? null : nextPage(response, base);
  }
  return found.slice(0, REFERRERS_LIMIT);
}

/** Registries that know no such path may also answer with their web page. */
function isWithoutApi({status, headers}: TransportResponse): boolean {
  if (status === 200) return headers['content-type']?.split(';', 1)[0]?.trim() !== OCI_INDEX;
  return WITHOUT_API.includes(status);
}

const filterByType = (referrers: readonly Referrer[], artifactType: string | undefined): readonly Referrer[] =>
  artifactType === undefined ? referrers : referrers.filter((referrer) => referrer.artifactType === artifactType);

async function readPage(
  response: TransportResponse,
  session: RegistrySession,
  request: ReferrersRequest,
): Promise<ImageIndex> {
  const where = `the referrers of ${request.subject} at ${session.registry}`;
  const malformed = (fault: string) =>
    new WinchError('PROTOCOL_ERROR', `${where}: ${fault}`, {
      kind: 'unavailable',
      hint: 'the registry has a problem: try again later',
    });
  const tooLarge = () => malformed('the list is longer than 4 MiB');
  const bytes = await readLimited(response, {limitBytes: MANIFEST_LIMIT_BYTES, tooLarge});
  const page = parseManifestDocument(bytes, {contentType: OCI_INDEX, where});
  if (page.kind !== 'index') throw malformed('the list is no index');
  return page;
}

function subjectOf({registry, secrets}: RegistrySession, {repository, subject}: ReferrersRequest): Subject {
  return {registry, repository, wanted: `the referrers of ${subject} in ${repository}`, secrets: secrets()};
}
