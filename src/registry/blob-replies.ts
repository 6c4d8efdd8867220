import {WinchError} from '../errors.ts';
import type {EventSink} from '../events.ts';
import type {Descriptor} from '../oci/descriptor.ts';
import {responseError} from './response-errors.ts';
import type {RetryPolicy} from './retry-budget.ts';
import type {RegistrySession} from './session.ts';
import type {TransportResponse} from './transport.ts';

export interface BlobRequest {
  readonly repository: string;
  readonly descriptor: Descriptor;
  /** Where to begin, at most the descriptor's size. */
  readonly offset: number;
  /** Behind the last byte that is wanted, and then nothing else is taken. Absent: the descriptor's size. */
  readonly end?: number | undefined;
  readonly retryPolicy?: Partial<RetryPolicy> | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: EventSink | undefined;
}

/** The reply that holds what is wanted of a blob from `position` on; what comes before that has to be skipped. */
export interface BlobReply {
  readonly response: TransportResponse;
  readonly skippedBytes: number;
}

/** What a signed address answers when its time is over. */
const EXPIRED_STATUSES: readonly number[] = Object.freeze([400, 401, 403, 404, 410]);

/**
 * Asks for a blob from a position on.
 *
 * A registry that ignores the range, or answers another one, is asked for the whole blob. Where it redirects to an
 * address that is no longer good, it is asked for another once.
 *
 * @throws {WinchError} `BLOB_UNKNOWN`; `SIZE_MISMATCH`: the registry announces another size; `RANGE_UNSUPPORTED`: it gives
 *   no part of a blob, and a part is wanted.
 */
export async function askForBlob(session: RegistrySession, request: BlobRequest, position: number): Promise<BlobReply> {
  const isPart = request.end !== undefined;
  const ranged = position > 0 || isPart ? await ask(session, request, position) : null;
  if (ranged?.status === 206 && isWantedRange(ranged, request, position)) return {response: ranged, skippedBytes: 0};
  const isRefused = ranged?.status === 206 || ranged?.status === 416;
  if (isRefused || (isPart && ranged?.status === 200)) ranged.close();
  if (isPart && (isRefused || ranged?.status === 200)) throw rangeUnsupported(session, request);
  const response = ranged === null || isRefused ? await ask(session, request, 0) : ranged;
  if (response.status !== 200) throw await blobError(response, session, request);
  checkLength(response, session, request);
  return {response, skippedBytes: position};
}

async function ask(session: RegistrySession, request: BlobRequest, position: number): Promise<TransportResponse> {
  const {repository, descriptor, end, signal, onEvent} = request;
  const path = `/v2/${repository}/blobs/${descriptor.digest}`;
  const range = `bytes=${position}-${end === undefined ? '' : end - 1}`;
  const headers: Record<string, string> = position > 0 || end !== undefined ? {range} : {};
  const send = () => session.request({path, repository, headers, signal, onEvent});
  const response = await send();
  if (!response.isRedirected || !EXPIRED_STATUSES.includes(response.status)) return response;
  await response.discard();
  return await send();
}

/** RFC 9110 §14.4: a reply has to say that it starts where it was asked to, and that the blob is as long as expected. */
function isWantedRange(
  {headers}: TransportResponse,
  {descriptor: {size}, end: wantedEnd = size}: BlobRequest,
  position: number,
): boolean {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(headers['content-range'] ?? '');
  if (match === null) return false;
  const [, start, end, total] = match;
  if (Number(start) !== position || Number(end) !== wantedEnd - 1) return false;
  if (total !== '*' && Number(total) !== size) return false;
  const length = headers['content-length'];
  return length === undefined || Number(length) === wantedEnd - position;
}

function checkLength(response: TransportResponse, session: RegistrySession, request: BlobRequest): void {
  const length = response.headers['content-length'];
  if (length === undefined || Number(length) === request.descriptor.size) return;
  response.close();
  throw sizeMismatch(session, request, `the registry sends ${length.slice(0, 20)}`);
}

function blobError(response: TransportResponse, session: RegistrySession, request: BlobRequest): Promise<WinchError> {
  const {repository, descriptor} = request;
  const notFound = {
    code: 'BLOB_UNKNOWN',
    message: `${session.registry}/${repository} has no blob ${descriptor.digest}, though its manifest names it`,
    hint: 'the image was pushed incompletely or partly deleted: push it again',
  };
  return responseError(response, {
    registry: session.registry,
    repository,
    wanted: `the blob ${descriptor.digest} of ${repository}`,
    notFound,
    secrets: session.secrets(),
  });
}

const rangeUnsupported = ({registry}: RegistrySession, {repository, descriptor}: BlobRequest): WinchError =>
  new WinchError('RANGE_UNSUPPORTED', `${registry} gives no part of blob ${descriptor.digest} of ${repository}`, {
    kind: 'unsupported',
    hint: 'it or a proxy before it gives blobs whole: pull the image',
    details: {registry},
  });

/** The error for a blob that is not as long as its descriptor says. */
export function sizeMismatch(
  {registry}: RegistrySession,
  {repository, descriptor}: BlobRequest,
  found: string,
): WinchError {
  const {digest, size} = descriptor;
  return new WinchError(
    'SIZE_MISMATCH',
    `blob ${digest} of ${registry}/${repository}: ${size} bytes expected, ${found}`,
    {
      kind: 'refused',
      hint: 'the registry or a proxy serves wrong data; nothing was kept',
      details: {digest, expected: size},
    },
  );
}
