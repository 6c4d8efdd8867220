import type {IncomingMessage} from 'node:http';
import {WinchError} from '../errors.ts';
import type {ReadThrough} from '../images/read-through/open-read-through.ts';
import type {ReadCall} from '../images/read-through/read-call.ts';
import {type Digest, isDigest} from '../oci/digest.ts';
import type {RepositoryName} from '../registry/client.ts';
import {listReferrers, listRepositories, listTags} from './answer-list.ts';
import {readRange} from './byte-range.ts';
import {jsonReply, type RegistryReply} from './registry-reply.ts';
import {repositoryOf} from './repository-name.ts';

/** Of names that have these words in them, the last one counts. */
const PLACE = /^\/v2\/(.+)\/(manifests|blobs|tags|referrers)\/([^/]+)$/;
const TAG_OR_DIGEST = /^(?:[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}|[a-z0-9]+:[a-f0-9]{32,})$/;

/**
 * @throws {WinchError} `ENDPOINT_UNKNOWN` | `READ_ONLY` | `NAME_INVALID` | `DIGEST_INVALID` | as `ReadThrough`
 * @see distribution-spec v1.1.1 spec.md#endpoints
 */
export async function answerRequest(
  images: ReadThrough,
  request: IncomingMessage,
  call: ReadCall,
): Promise<RegistryReply> {
  const {method = '', url = ''} = request;
  const [path = '', ...rest] = url.split('?');
  const query = new URLSearchParams(rest.join('?'));
  if (method !== 'GET' && method !== 'HEAD') throw readOnly();
  if (path === '/v2/' || path === '/v2') return jsonReply({});
  if (path === '/v2/_catalog') return listRepositories(images, {path, query});
  const [, name, kind, wanted] = PLACE.exec(path) ?? [];
  if (name === undefined || wanted === undefined) throw endpointUnknown();
  const repository = repositoryOf(name, query.get('ns'));
  if (kind === 'manifests') return await sendManifest(images, {repository, tagOrDigest: wanted}, call);
  if (kind === 'tags' && wanted === 'list') return await listTags(images, {path, query, name, repository}, call);
  if (kind === 'tags') throw endpointUnknown();
  if (!isDigest(wanted)) throw digestInvalid(wanted);
  if (kind === 'referrers') return await listReferrers(images, {repository, subject: wanted, query}, call);
  return await sendBlob(images, {repository, digest: wanted, request}, call);
}

async function sendManifest(
  images: ReadThrough,
  {repository, tagOrDigest}: {readonly repository: RepositoryName; readonly tagOrDigest: string},
  call: ReadCall,
): Promise<RegistryReply> {
  if (!TAG_OR_DIGEST.test(tagOrDigest)) throw manifestUnknown();
  const {digest, mediaType, bytes} = await images.getDocument(repository, tagOrDigest, call);
  return {status: 200, headers: {...headersOf(digest, bytes.length), 'Content-Type': mediaType}, body: bytes};
}

interface BlobRequest {
  readonly repository: RepositoryName;
  readonly digest: Digest;
  readonly request: IncomingMessage;
}

async function sendBlob(
  images: ReadThrough,
  {repository, digest, request}: BlobRequest,
  call: ReadCall,
): Promise<RegistryReply> {
  const type = {'Content-Type': 'application/octet-stream', 'Accept-Ranges': 'bytes'};
  if (request.method === 'HEAD') {
    const size = await images.sizeOfBlob(repository, digest, call);
    return {status: 200, headers: {...headersOf(digest, size), ...type}};
  }
  const blob = await images.openBlob(repository, digest, call);
  const range = readRange(request.headers.range, blob.size);
  if (range === 'unsatisfiable') return {status: 416, headers: {'Content-Range': `bytes */${blob.size}`}};
  const {start, end} = range ?? {start: 0, end: blob.size};
  const headers = {...headersOf(digest, end - start), ...type};
  const body = blob.read(start, end, call.signal);
  if (range === null) return {status: 200, headers, body};
  return {status: 206, headers: {...headers, 'Content-Range': `bytes ${start}-${end - 1}/${blob.size}`}, body};
}

const headersOf = (digest: Digest, length: number) => ({
  'Content-Length': length,
  'Docker-Content-Digest': digest,
  ETag: `"${digest}"`,
});

const readOnly = () =>
  new WinchError('READ_ONLY', 'nothing can be pushed or deleted here', {
    kind: 'unsupported',
    hint: 'push to the registry that the image belongs to',
  });

const endpointUnknown = () => new WinchError('ENDPOINT_UNKNOWN', 'there is no such endpoint', {kind: 'not-found'});

const manifestUnknown = () =>
  new WinchError('MANIFEST_UNKNOWN', 'what was asked for is no tag and no digest', {kind: 'not-found'});

const digestInvalid = (text: string) =>
  new WinchError('DIGEST_INVALID', `${JSON.stringify(text.slice(0, 100))} is no sha256 or sha512 digest`, {
    kind: 'invalid',
  });
