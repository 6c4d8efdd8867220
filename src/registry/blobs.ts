import {WinchError} from '../errors.ts';
import {askForBlob, type BlobReply, type BlobRequest, sizeMismatch} from './blob-replies.ts';
import {givenUp, isInterruption} from './retries.ts';
import {createRetryBudget, DEFAULT_RETRY_POLICY, type RetryBudget, waitFor} from './retry-budget.ts';
import type {RegistrySession} from './session.ts';

/** The bytes of a blob from an offset to its end, or to another one; to be read once. Leaving early, or `close`, ends the download. */
export interface BlobStream extends AsyncIterable<Uint8Array> {
  close(): void;
}

/** Received bytes that make good for the failures before them. */
const PROGRESS_BYTES = 1_048_576;

/** @see RegistryClient.openBlob */
export async function openBlob(session: RegistrySession, request: BlobRequest): Promise<BlobStream> {
  const {descriptor, offset, end = descriptor.size} = request;
  const isInside = offset >= 0 && offset <= end && end <= descriptor.size;
  if (!isInside) throw new RangeError(`bytes ${offset} to ${end} are outside the blob`);
  const isPart = offset > 0 || request.end !== undefined;
  if (isPart && offset === end) return {async *[Symbol.asyncIterator]() {}, close() {}};
  let current = await askForBlob(session, request, offset);
  let isClosed = false;
  const askAgain = async (position: number): Promise<BlobReply> => {
    current = await askForBlob(session, request, position);
    if (isClosed) current.response.close();
    return current;
  };
  return {
    [Symbol.asyncIterator]: () => readToEnd(session, request, {first: current, askAgain, isClosed: () => isClosed}),
    close: () => {
      isClosed = true;
      current.response.close();
    },
  };
}

interface Replies {
  readonly first: BlobReply;
  askAgain(position: number): Promise<BlobReply>;
  isClosed(): boolean;
}

/** Reads on in a new reply wherever one breaks off, until too little comes between two breaks. */
async function* readToEnd(
  session: RegistrySession,
  request: BlobRequest,
  {first, askAgain, isClosed}: Replies,
): AsyncGenerator<Uint8Array> {
  const {end = request.descriptor.size} = request;
  const setbacks = createSetbacks(request);
  let position = request.offset;
  let endedAt = -1;
  for (let reply = first; ; reply = await askAgain(position)) {
    if (reply !== first) tellResumed(request, position);
    let setback: WinchError | null = null;
    try {
      for await (const chunk of readReply(reply, session, {request, position})) {
        position += chunk.length;
        yield chunk;
      }
    } catch (error) {
      if (!isInterruption(error) || isClosed()) throw error;
      setback = error;
    }
    if (position === end) return;
    // Where nothing says how long a reply is, one that was cut looks like one that ended, but not twice in one place.
    if (setback === null && endedAt === position) throw sizeMismatch(session, request, `the registry sent ${position}`);
    if (setback === null) endedAt = position;
    await setbacks.wait(setback ?? endsEarly(reply, request), position);
  }
}

async function* readReply(
  {response, skippedBytes}: BlobReply,
  session: RegistrySession,
  {request, position}: {readonly request: BlobRequest; readonly position: number},
): AsyncGenerator<Uint8Array> {
  let toSkip = skippedBytes;
  let missing = (request.end ?? request.descriptor.size) - position;
  for await (const bytes of response.body) {
    const chunk = toSkip === 0 ? bytes : bytes.subarray(Math.min(toSkip, bytes.length));
    toSkip -= bytes.length - chunk.length;
    if (chunk.length > missing) throw sizeMismatch(session, request, 'the registry sends more');
    missing -= chunk.length;
    if (chunk.length > 0) yield chunk;
  }
}

/** Waits after a setback; one that came after progress makes those before it forgotten, and is not waited for. */
function createSetbacks({offset, signal, onEvent, retryPolicy}: BlobRequest) {
  const policy = {...DEFAULT_RETRY_POLICY, ...retryPolicy};
  let budget: RetryBudget | null = null;
  let madeGoodAt = offset;
  return {
    /** @throws `error` when there were too many without progress. */
    wait: async (error: WinchError, position: number): Promise<void> => {
      signal?.throwIfAborted();
      if (position - madeGoodAt >= PROGRESS_BYTES) {
        madeGoodAt = position;
        budget = null;
        return;
      }
      budget ??= createRetryBudget(policy);
      const delayMs = budget.next();
      if (delayMs === null) throw givenUp(error, budget.spent);
      const host = String(error.details.host);
      onEvent?.({type: 'request:retrying', host, reason: error.message, attempt: budget.spent.times, delayMs});
      await waitFor(delayMs, signal);
    },
  };
}

function tellResumed({descriptor: {digest, size}, onEvent}: BlobRequest, offset: number): void {
  onEvent?.({type: 'blob:resumed', digest, offset, totalBytes: size});
}

const endsEarly = ({response: {url}}: BlobReply, {descriptor}: BlobRequest): WinchError =>
  new WinchError(
    'REGISTRY_UNAVAILABLE',
    `${url.host} sends less of ${descriptor.digest} than its ${descriptor.size} bytes`,
    {
      kind: 'unavailable',
      hint: 'try again later',
      details: {host: url.host},
    },
  );
