import {isWinchError, WinchError} from '../errors.ts';
import {monotonicMs} from '../host/monotonic-ms.ts';
import type {BlobRequest} from './blob-replies.ts';
import {type BlobStream, openBlob} from './blobs.ts';
import type {RegistrySession} from './session.ts';

/** When a blob is fetched over several connections. */
export interface RangePlan {
  /** What has to be left. Pieces that are under way when a process dies are lost, which has to be little beside it. */
  readonly leastBytes: number;
  readonly pieceBytes: number;
  readonly atOnce: number;
  /** A single connection is slow that was waited for so long, */
  readonly slowAfterMs: number;
  /** and brought less than this. */
  readonly slowBytesPerSecond: number;
}

const MIB = 1_048_576;
const DEFAULT_PLAN: RangePlan = Object.freeze({
  leastBytes: 256 * MIB,
  pieceBytes: 8 * MIB,
  atOnce: 4,
  slowAfterMs: 3000,
  slowBytesPerSecond: 50 * MIB,
});
/** How much faster several connections have to be, and after how many rounds that is known. */
const LEAST_GAIN = 1.2;
const TRIAL_ROUNDS = 2;

export interface LargeBlobRequest extends BlobRequest {
  readonly ranges?: Partial<RangePlan> | undefined;
}

/**
 * As `openBlob`; where one connection turns out slow and much is left, the rest comes over several, in order all the same,
 * as long as that is faster.
 */
export async function openLargeBlob(session: RegistrySession, request: LargeBlobRequest): Promise<BlobStream> {
  const plan = {...DEFAULT_PLAN, ...request.ranges};
  const {size} = request.descriptor;
  let current = await openBlob(session, request);
  if (request.end !== undefined || size - request.offset < plan.leastBytes) return current;
  const closing = new AbortController();
  const read = async function* (): AsyncGenerator<Uint8Array> {
    const meter = createMeter();
    let position = request.offset;
    for await (const chunk of current) {
      position += chunk.length;
      meter.received(chunk.length);
      yield chunk;
      if (size - position >= plan.leastBytes && meter.isSlow(plan)) break;
      meter.startWaiting();
    }
    if (position === size) return;
    const signal = request.signal ? AbortSignal.any([request.signal, closing.signal]) : closing.signal;
    const work = {request: {...request, offset: position, signal}, plan, singleRate: meter.rate()};
    position = yield* readRanges(session, work);
    if (position === size) return;
    current = await openBlob(session, {...request, offset: position});
    yield* current;
  };
  const close = () => {
    closing.abort(closed(session));
    current.close();
  };
  return {[Symbol.asyncIterator]: read, close};
}

interface RangesWork {
  /** Its offset is where to begin. */
  readonly request: BlobRequest;
  readonly plan: RangePlan;
  /** Bytes per second of one connection. */
  readonly singleRate: number;
}

/**
 * Yields pieces in order while the next ones are on their way.
 *
 * @returns how far it came: before the end where the registry does not give ranges, or gives them no faster.
 */
async function* readRanges(
  session: RegistrySession,
  {request, plan, singleRate}: RangesWork,
): AsyncGenerator<Uint8Array, number> {
  const {offset, descriptor, signal} = request;
  const leaving = new AbortController();
  const whole = {...request, signal: signal ? AbortSignal.any([signal, leaving.signal]) : leaving.signal};
  const ahead: Promise<readonly Uint8Array[] | null>[] = [];
  const meter = createMeter();
  let [position, next, pieces] = [offset, offset, 0];
  const fill = (): void => {
    for (; ahead.length < plan.atOnce && next < descriptor.size; next += plan.pieceBytes) {
      const piece = fetchPiece(session, whole, {start: next, end: Math.min(next + plan.pieceBytes, descriptor.size)});
      piece.catch(() => {});
      ahead.push(piece);
    }
  };
  try {
    while (position < descriptor.size) {
      fill();
      const chunks = await ahead.shift();
      if (!chunks) break;
      fill();
      for (const chunk of chunks) {
        position += chunk.length;
        meter.received(chunk.length);
        yield chunk;
        meter.startWaiting();
      }
      pieces += 1;
      if (pieces === TRIAL_ROUNDS * plan.atOnce && meter.rate() < singleRate * LEAST_GAIN) break;
    }
  } finally {
    leaving.abort();
  }
  return position;
}

interface Piece {
  readonly start: number;
  /** Behind its last byte. */
  readonly end: number;
}

/** Null: the registry does not give this range, or not now; asked for the whole rest it will say why. */
async function fetchPiece(
  session: RegistrySession,
  {repository, descriptor, signal, onEvent}: BlobRequest,
  {start, end}: Piece,
): Promise<readonly Uint8Array[] | null> {
  try {
    const path = `/v2/${repository}/blobs/${descriptor.digest}`;
    const headers = {range: `bytes=${start}-${end - 1}`};
    const response = await session.request({path, repository, headers, signal, onEvent});
    const given = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(response.headers['content-range'] ?? '');
    const isWanted = given?.slice(1).map(Number).join() === [start, end - 1, descriptor.size].join();
    if (response.status !== 206 || !isWanted) {
      response.close();
      return null;
    }
    const chunks: Uint8Array[] = [];
    let missing = end - start;
    for await (const chunk of response.body) {
      missing -= chunk.length;
      if (missing < 0) return null;
      chunks.push(chunk);
    }
    return missing === 0 ? chunks : null;
  } catch (error) {
    if (isWinchError(error) && !signal?.aborted) return null;
    throw error;
  }
}

/** Measures what comes, in the time that was spent waiting for it: a slow reader makes no slow connection. */
function createMeter() {
  let [waitedMs, bytes, since] = [0, 0, monotonicMs()];
  const rate = () => (bytes / Math.max(waitedMs, 1)) * 1000;
  return {
    received: (count: number): void => {
      waitedMs += monotonicMs() - since;
      bytes += count;
      since = monotonicMs();
    },
    startWaiting: (): void => {
      since = monotonicMs();
    },
    rate,
    isSlow: ({slowAfterMs, slowBytesPerSecond}: RangePlan) => waitedMs >= slowAfterMs && rate() < slowBytesPerSecond,
  };
}

const closed = ({registry}: RegistrySession): WinchError =>
  new WinchError('REGISTRY_UNAVAILABLE', `the download from ${registry} was closed`, {
    kind: 'unavailable',
    details: {repeated: 'never'},
  });
