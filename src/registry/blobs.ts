import {WinchError} from '../errors.ts';
import type {Descriptor} from '../oci/descriptor.ts';
import {responseError} from './response-errors.ts';
import type {RegistrySession} from './session.ts';
import type {TransportResponse} from './transport.ts';

/** The bytes of a blob from an offset to its end; to be read once. Leaving early, or `close`, ends the download. */
export interface BlobStream extends AsyncIterable<Uint8Array> {
  close(): void;
}

interface BlobRequest {
  readonly repository: string;
  readonly descriptor: Descriptor;
  /** Where to begin, at most the descriptor's size. */
  readonly offset: number;
  readonly signal?: AbortSignal | undefined;
}

/** @see RegistryClient.openBlob */
export async function openBlob(session: RegistrySession, request: BlobRequest): Promise<BlobStream> {
  const {repository, descriptor, offset, signal} = request;
  if (!(offset >= 0 && offset <= descriptor.size)) throw new RangeError(`offset ${offset} is outside the blob`);
  if (offset > 0 && offset === descriptor.size) return emptyBlob();
  const response = await session.request({
    path: `/v2/${repository}/blobs/${descriptor.digest}`,
    repository,
    headers: offset > 0 ? {range: `bytes=${offset}-`} : {},
    signal,
  });
  if (response.status === 416 || (offset > 0 && response.status === 200)) throw rangeRefused(response, request);
  if (response.status !== 200 && response.status !== 206) throw await blobError(response, session, request);
  if (response.status === 206) checkRange(response, request);
  checkLength(response, session, request);
  return {[Symbol.asyncIterator]: () => readExactly(response, session, request), close: response.close};
}

function emptyBlob(): BlobStream {
  return {async *[Symbol.asyncIterator]() {}, close() {}};
}

/** RFC 9110 §14.4: the reply must say that it starts where it was asked to, and that the blob is as long as expected. */
function checkRange(response: TransportResponse, request: BlobRequest): void {
  const {offset, descriptor} = request;
  const match = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(response.headers['content-range'] ?? '');
  const [, start, end, size] = match ?? [];
  const isWanted = Number(start) === offset && Number(end) === descriptor.size - 1;
  if (!isWanted || (size !== '*' && Number(size) !== descriptor.size)) throw rangeRefused(response, request);
}

function checkLength(response: TransportResponse, session: RegistrySession, request: BlobRequest): void {
  const length = response.headers['content-length'];
  const expected = request.descriptor.size - request.offset;
  if (length === undefined || Number(length) === expected) return;
  response.close();
  throw sizeMismatch(session, request, `the registry sends ${length.slice(0, 20)}`);
}

async function* readExactly(
  response: TransportResponse,
  session: RegistrySession,
  request: BlobRequest,
): AsyncGenerator<Uint8Array> {
  const expected = request.descriptor.size - request.offset;
  let received = 0;
  for await (const chunk of response.body) {
    received += chunk.length;
    if (received > expected) throw sizeMismatch(session, request, 'the registry sends more');
    yield chunk;
  }
  if (received < expected) throw sizeMismatch(session, request, `the registry sent ${received}`);
}

function blobError(response: TransportResponse, session: RegistrySession, request: BlobRequest): Promise<WinchError> {
  const {repository, descriptor} = request;
  const notFound = {
    code: 'BLOB_UNKNOWN',
    message: `${session.registry}/${repository} has no blob ${descriptor.digest}, though its manifest names it`,
    hint: 'the image was pushed incompletely or partly deleted: push it again',
  };
  const wanted = `the blob ${descriptor.digest} of ${repository}`;
  return responseError(response, {
    registry: session.registry,
    repository,
    wanted,
    notFound,
    secrets: session.secrets(),
  });
}

function rangeRefused(response: TransportResponse, {descriptor, offset}: BlobRequest): WinchError {
  response.close();
  return new WinchError(
    'RANGE_REFUSED',
    `${response.url.host} does not continue ${descriptor.digest} at byte ${offset}`,
    {
      kind: 'unavailable',
      hint: 'download it from the start',
      details: {status: response.status, offset},
    },
  );
}

function sizeMismatch(
  {registry}: RegistrySession,
  {repository, descriptor, offset}: BlobRequest,
  found: string,
): WinchError {
  const expected = `${descriptor.size - offset} bytes expected`;
  return new WinchError(
    'SIZE_MISMATCH',
    `blob ${descriptor.digest} of ${registry}/${repository}: ${expected}, ${found}`,
    {
      kind: 'refused',
      hint: 'the registry or a proxy serves wrong data; nothing was kept',
      details: {digest: descriptor.digest, expected: descriptor.size},
    },
  );
}
