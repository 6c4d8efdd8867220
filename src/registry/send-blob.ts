import {setTimeout as sleep} from 'node:timers/promises';
import {isWinchError, type WinchError} from '../errors.ts';
import {miscounted, uploadFailed} from './upload-errors.ts';
import {
  askUpload,
  beginUpload,
  cancelUpload,
  finishUpload,
  sendChunk,
  type UploadStep,
  type UploadTarget,
} from './upload-requests.ts';
import {advance, type BlobToSend, bodyOf, createUpload, SMALL_CHUNK_BYTES, type Upload} from './upload-state.ts';

type Failure = Extract<UploadStep, {readonly error: WinchError}>;

const FAILURES_LIMIT = 3;
const FIRST_PAUSE_MS = 200;

/**
 * Sends a blob over as many requests and uploads as it takes, as long as something advances; an upload that is given up
 * is cancelled at the registry.
 *
 * @returns the bytes that were sent, repetitions included.
 */
export async function sendBlob(target: UploadTarget, blob: BlobToSend): Promise<number> {
  const upload = createUpload(target, blob);
  try {
    while (true) {
      const step = await nextStep(upload);
      if (step.kind === 'finished') return upload.sentBytes;
      if (step.kind === 'accepted') advance(upload, step.place);
      else if (await recover(upload, step)) return upload.sentBytes;
    }
  } catch (error) {
    await abandon(upload);
    target.signal?.throwIfAborted();
    throw upload.reader.failure?.error ?? error;
  } finally {
    await upload.reader.close();
  }
}

async function nextStep(upload: Upload): Promise<UploadStep> {
  const {target, blob, place, offset, isChunked, chunkBytes, isAsking} = upload;
  upload.isEnding = false;
  if (place === null) return await beginUpload(target);
  if (isAsking) return checkAnswer(upload, await askUpload(target, place));
  if (isChunked && offset < blob.size) {
    const bytes = Math.min(blob.size - offset, Math.max(chunkBytes, place.minimumChunkBytes));
    const step = await sendChunk(target, place, {start: offset, body: bodyOf(upload, offset, bytes)});
    return checkProgress(upload, step, bytes);
  }
  upload.isEnding = true;
  return await finishUpload(target, place, bodyOf(upload, offset, blob.size - offset));
}

/** A piece that was taken has to bring the upload on, and no further than it reaches. */
function checkProgress({target, offset}: Upload, step: UploadStep, bytes: number): UploadStep {
  if (step.kind !== 'accepted') return step;
  const received = step.place.received ?? offset;
  if (received > offset && received <= offset + bytes) return step;
  return {kind: received > offset ? 'lost' : 'interrupted', error: miscounted(target, received, offset + bytes)};
}

function checkAnswer({target, blob}: Upload, step: UploadStep): UploadStep {
  if (step.kind !== 'accepted' || (step.place.received ?? 0) <= blob.size) return step;
  return {kind: 'lost', error: miscounted(target, step.place.received ?? 0, blob.size)};
}

/** Prepares what comes after a failure; returns whether the upload ended in spite of it. */
async function recover(upload: Upload, {kind, error}: Failure): Promise<boolean> {
  const {target, reader, offset, place} = upload;
  if (reader.failure) throw reader.failure.error;
  if (error.code === 'DIGEST_INVALID' && !upload.isDoubtful) throw error;
  upload.failures += 1;
  if (upload.failures > FAILURES_LIMIT) throw uploadFailed(target, offset, error);
  if (kind === 'refused') {
    if (!changeManner(upload, error)) throw uploadFailed(target, offset, error);
    await abandon(upload);
    return false;
  }
  await pause(upload, error);
  if (kind === 'interrupted' && upload.isEnding && (await hasArrived(upload))) return true;
  upload.isDoubtful = true;
  upload.chunkBytes = Math.max(SMALL_CHUNK_BYTES, upload.chunkBytes / 4);
  if (kind === 'lost' || !upload.isChunked) await abandon(upload);
  else upload.isAsking = place !== null;
  return false;
}

/** Pieces in place of the whole or the reverse, smaller pieces where the size is refused; false: all was tried. */
function changeManner(upload: Upload, {details}: WinchError): boolean {
  if (details.status === 413) {
    const isSmallest = upload.isChunked && upload.chunkBytes <= SMALL_CHUNK_BYTES;
    upload.isChunked = true;
    upload.chunkBytes = SMALL_CHUNK_BYTES;
    return !isSmallest;
  }
  if (upload.hasChangedManner) return false;
  upload.hasChangedManner = true;
  upload.isChunked = !upload.isChunked;
  return true;
}

async function pause({target, failures}: Upload, error: WinchError): Promise<void> {
  const delayMs = Math.round(FIRST_PAUSE_MS * 2 ** (failures - 1) * (0.5 + Math.random() / 2));
  const host = String(error.details.host ?? target.session.registry);
  target.onEvent?.({type: 'request:retrying', host, reason: error.message, attempt: failures, delayMs});
  await sleep(delayMs, undefined, {signal: target.signal});
}

async function hasArrived({blob}: Upload): Promise<boolean> {
  try {
    return await blob.isPresent();
  } catch (error) {
    if (isWinchError(error) && error.kind === 'unavailable') return false;
    throw error;
  }
}

async function abandon(upload: Upload): Promise<void> {
  const {target, place} = upload;
  upload.place = null;
  upload.isAsking = false;
  if (place) await cancelUpload(target, place);
}
