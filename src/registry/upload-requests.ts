import {isWinchError, type WinchError} from '../errors.ts';
import {digestAlgorithm, isDigest} from '../oci/digest.ts';
import type {AccessAction} from './authorizer.ts';
import type {SessionRequest} from './session.ts';
import type {RequestBody, TransportResponse} from './transport.ts';
import {digestInvalid, silentAbout, type UploadSubject, uploadError} from './upload-errors.ts';
import {readUploadPlace, type UploadPlace, withDigest} from './upload-place.ts';

/** How one request of an upload ended. */
export type UploadStep =
  | {readonly kind: 'accepted'; readonly place: UploadPlace}
  | {readonly kind: 'finished'}
  /** The connection or the registry failed; what it received has to be asked for. */
  | {readonly kind: 'interrupted'; readonly error: WinchError}
  /** The registry forgot the upload, or has other bytes than were sent. */
  | {readonly kind: 'lost'; readonly error: WinchError}
  /** Not in this manner, in pieces or as a whole. */
  | {readonly kind: 'refused'; readonly error: WinchError};

export interface UploadTarget extends UploadSubject {
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: SessionRequest['onEvent'];
}

const ACTIONS: readonly AccessAction[] = Object.freeze(['pull', 'push']);
const REFUSALS: readonly number[] = Object.freeze([400, 405, 411, 413, 501]);
const CANCEL_LIMIT_MS = 2000;
/** Before it answers, a registry reads the whole blob again, or copies it within its storage. */
const ENDING_MS = 300_000;

/**
 * Begins an upload.
 *
 * @throws {WinchError} what a refusal means: there is nothing to fall back to.
 */
export async function beginUpload(target: UploadTarget): Promise<UploadStep> {
  const path = `/v2/${target.repository}/blobs/uploads/`;
  const step = await takeStep(target, {method: 'POST', path}, (response) => acceptPlace(response));
  if (step.kind === 'lost' || step.kind === 'refused') throw step.error;
  return step;
}

/**
 * Asks for a blob of another repository.
 *
 * @returns the place of an upload where the registry offers one instead; null: neither.
 */
export async function mountBlob(target: UploadTarget, from: string): Promise<UploadPlace | 'mounted' | null> {
  const query = new URLSearchParams({mount: target.digest, from});
  const path = `/v2/${target.repository}/blobs/uploads/?${query}`;
  try {
    const response = await send(target, {method: 'POST', path, alsoPull: from});
    await response.discard();
    if (response.status === 201) {
      checkReceived(target, response);
      return 'mounted';
    }
    return response.status === 202 ? readUploadPlace(response) : null;
  } catch (error) {
    // No access to the other repository is no reason not to upload.
    if (isWinchError(error) && (error.kind === 'unauthorized' || error.kind === 'denied')) return null;
    throw error;
  }
}

/** Sends one piece, which begins at `start`. */
export async function sendChunk(
  target: UploadTarget,
  place: UploadPlace,
  chunk: {readonly start: number; readonly body: RequestBody},
): Promise<UploadStep> {
  const {start, body} = chunk;
  const headers = {
    'content-type': 'application/octet-stream',
    'content-range': `${start}-${start + body.bytes - 1}`,
  };
  return await takeStep(target, {method: 'PATCH', path: place.url.href, headers, body}, (response) => {
    const next = readUploadPlace(response, place);
    return {kind: 'accepted', place: {...next, received: next.received ?? start + body.bytes}};
  });
}

/** Ends the upload: with all its bytes, or without any when the pieces were sent before. */
export async function finishUpload(target: UploadTarget, place: UploadPlace, body: RequestBody): Promise<UploadStep> {
  const headers = {'content-type': 'application/octet-stream'};
  const request = {
    method: 'PUT',
    path: withDigest(place, target.digest),
    headers,
    body: {...body, answerMs: ENDING_MS},
  } as const;
  return await takeStep(target, request, (response) => {
    checkReceived(target, response);
    return {kind: 'finished'};
  });
}

/** Asks what the registry has so far; `lost` as well where it does not say. */
export async function askUpload(target: UploadTarget, place: UploadPlace): Promise<UploadStep> {
  const step = await takeStep(target, {method: 'GET', path: place.url.href}, (response) =>
    acceptPlace(response, place),
  );
  if (step.kind === 'refused') return {...step, kind: 'lost'};
  if (step.kind !== 'accepted' || step.place.received !== null) return step;
  return {kind: 'lost', error: silentAbout(target)};
}

/** Tells the registry to forget the upload, as far as it answers within 2 s. */
export async function cancelUpload(target: UploadTarget, place: UploadPlace): Promise<void> {
  const signal = AbortSignal.timeout(CANCEL_LIMIT_MS);
  try {
    const response = await send({...target, signal}, {method: 'DELETE', path: place.url.href});
    await response.discard();
  } catch (error) {
    if (!isWinchError(error) && error !== signal.reason) throw error;
  }
}

const acceptPlace = (response: TransportResponse, before?: UploadPlace): UploadStep => ({
  kind: 'accepted',
  place: readUploadPlace(response, before),
});

const send = (
  {session, repository, signal, onEvent}: UploadTarget,
  request: Pick<SessionRequest, 'method' | 'path' | 'headers' | 'body' | 'alsoPull'>,
): Promise<TransportResponse> => session.request({repository, actions: ACTIONS, signal, onEvent, ...request});

async function takeStep(
  target: UploadTarget,
  request: Parameters<typeof send>[1],
  accept: (response: TransportResponse) => UploadStep,
): Promise<UploadStep> {
  let response: TransportResponse;
  try {
    response = await send(target, request);
  } catch (error) {
    if (isWinchError(error, 'REGISTRY_UNAVAILABLE') || isWinchError(error, 'REGISTRY_UNREACHABLE')) {
      return {kind: 'interrupted', error};
    }
    throw error;
  }
  const {status} = response;
  if (status < 300) {
    await response.discard();
    return accept(response);
  }
  const error = await uploadError(target, response);
  if (status === 404 || error.code === 'DIGEST_INVALID') return {kind: 'lost', error};
  if (REFUSALS.includes(status)) return {kind: 'refused', error};
  if (status === 416 || status >= 500) return {kind: 'interrupted', error};
  throw error;
}

function checkReceived(target: UploadTarget, {headers}: TransportResponse): void {
  const received = headers['docker-content-digest'];
  if (!isDigest(received) || digestAlgorithm(received) !== digestAlgorithm(target.digest)) return;
  if (received !== target.digest) throw digestInvalid(target, received);
}
