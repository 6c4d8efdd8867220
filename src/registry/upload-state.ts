import {type BlobReader, openBlobReader} from './blob-reader.ts';
import type {RequestBody} from './transport.ts';
import type {UploadPlace} from './upload-place.ts';
import type {UploadTarget} from './upload-requests.ts';
import type {BlobSource} from './uploads.ts';

export interface BlobToSend {
  readonly size: number;
  readonly source: BlobSource;
  /** An upload that was begun already. */
  readonly place: UploadPlace | null;
  /** Whether the registry has the blob: an ending whose reply was lost may have succeeded. */
  readonly isPresent: () => Promise<boolean>;
}

/** How far the sending of a blob has come. */
export interface Upload {
  readonly target: UploadTarget;
  readonly blob: BlobToSend;
  readonly reader: BlobReader;
  /** Null: to be begun. */
  place: UploadPlace | null;
  /** Bytes that the registry has. */
  offset: number;
  /** In pieces, or else by the request that ends it. */
  isChunked: boolean;
  chunkBytes: number;
  hasChangedManner: boolean;
  /** Whether something went wrong since it was begun, so that the registry may hold other bytes than were sent. */
  isDoubtful: boolean;
  /** Whether the offset has to be asked for. */
  isAsking: boolean;
  isEnding: boolean;
  /** Failures since the last byte of progress. */
  failures: number;
  furthest: number;
  sentBytes: number;
  toldBytes: number;
}

/** Up to here one request costs less than resuming could save. */
const WHOLE_LIMIT_BYTES = 8 * 1024 * 1024;
/** What a cut connection costs at most. */
const CHUNK_BYTES = 16 * 1024 * 1024;
/** What nginx takes unless told otherwise. */
export const SMALL_CHUNK_BYTES = 1024 * 1024;
/** What counts as an advance; the end of the blob does as well. */
const PROGRESS_BYTES = 65_536;
/** No more often than a display can follow. */
const EVENT_BYTES = 262_144;

/** Nothing is sent or read yet. */
export const createUpload = (target: UploadTarget, blob: BlobToSend): Upload => ({
  target,
  blob,
  reader: openBlobReader(blob.source, target.signal),
  place: blob.place,
  offset: 0,
  isChunked: blob.size > WHOLE_LIMIT_BYTES,
  chunkBytes: CHUNK_BYTES,
  hasChangedManner: false,
  isDoubtful: false,
  isAsking: false,
  isEnding: false,
  failures: 0,
  furthest: 0,
  sentBytes: 0,
  toldBytes: 0,
});

/** Takes note of what the registry says it has. */
export function advance(upload: Upload, place: UploadPlace): void {
  if (upload.place === null) upload.isDoubtful = false;
  upload.offset = upload.place === null ? 0 : (place.received ?? 0);
  upload.place = place;
  upload.isAsking = false;
  if (upload.offset < Math.min(upload.furthest + PROGRESS_BYTES, upload.blob.size)) return;
  upload.furthest = upload.offset;
  upload.failures = 0;
}

/** A part of the blob as it is sent, counted and told of. */
export function bodyOf(upload: Upload, start: number, bytes: number): RequestBody {
  return {bytes, isRepeatable: bytes === 0, open: () => countSent(upload, start, bytes)};
}

async function* countSent(upload: Upload, start: number, bytes: number): AsyncGenerator<Uint8Array> {
  const {digest, onEvent} = upload.target;
  const totalBytes = upload.blob.size;
  let sent = start;
  for await (const piece of upload.reader.read(start, bytes)) {
    upload.sentBytes += piece.length;
    sent += piece.length;
    yield piece;
    if (sent < start + bytes && Math.abs(sent - upload.toldBytes) < EVENT_BYTES) continue;
    upload.toldBytes = sent;
    onEvent?.({type: 'upload:sent', digest, sentBytes: sent, totalBytes});
  }
}
