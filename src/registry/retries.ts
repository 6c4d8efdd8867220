import {isWinchError, reword, WinchError} from '../errors.ts';
import type {EventSink} from '../events.ts';
import type {HostPauses} from './host-pauses.ts';
import {createPauseKeeper, type HostPause} from './pause-keeper.ts';
import {readRetryAfter} from './retry-after.ts';
import {
  createRetryBudget,
  DEFAULT_RETRY_POLICY,
  describeSpent,
  type RetryBudget,
  type RetryPolicy,
  waitFor,
} from './retry-budget.ts';
import type {Transport, TransportRequest, TransportResponse} from './transport.ts';

export interface RetryOptions {
  readonly pauses: HostPauses;
  readonly policy?: Partial<RetryPolicy> | undefined;
}

type Outcome = {readonly response: TransportResponse} | {readonly error: WinchError};

const REPEATED_STATUSES: readonly number[] = Object.freeze([408, 500, 502, 503, 504]);
const TOO_MANY_REQUESTS = 429;
/** Why a host that has never answered is given up at once: what it is called, or that nobody listens. */
const LASTING: readonly unknown[] = Object.freeze(['ENOTFOUND', 'ECONNREFUSED']);

/**
 * A transport that asks again: after a broken connection and statuses that pass, with growing delays, and after a pause
 * where the host wants one.
 *
 * A host that answers 429, or 503 with `Retry-After`, is left alone by everybody who shares `pauses`, also by requests
 * that are never repeated. What is given up comes back as the last reply or error.
 */
export function withRetries(transport: Transport, {pauses, policy: changes}: RetryOptions): Transport {
  const policy = {...DEFAULT_RETRY_POLICY, ...changes};
  const known = new Set<string>();
  let isClosed = false;
  const keeper = createPauseKeeper(pauses);
  const attempt = async (request: TransportRequest): Promise<Outcome> => {
    try {
      const response = await transport.send(request);
      known.add(request.url.host);
      return {response};
    } catch (error) {
      if (isWinchError(error)) return {error};
      throw error;
    }
  };
  const send = async (request: TransportRequest): Promise<TransportResponse> => {
    const budget = createRetryBudget(policy);
    while (true) {
      await keeper.sitOut(request);
      if (isClosed) throw closed(request.url);
      const outcome = await attempt(request);
      const pause = pauseAfter(outcome, budget, policy);
      if (pause) keeper.begin(request, pause);
      const isKnown = known.has(request.url.host);
      const standing = {budget, isKnown, isPaused: pause !== null};
      const delayMs = isRepeatable(request, outcome) ? delayAfter(outcome, standing) : null;
      if (delayMs === null) return settle(outcome, budget);
      if ('response' in outcome) await outcome.response.discard();
      if (delayMs > 0) await waitTelling({...request, host: request.url.host}, outcome, {budget, delayMs});
    }
  };
  const close = () => {
    isClosed = true;
    transport.close();
  };
  return {send, close};
}

const closed = ({host}: URL): WinchError =>
  new WinchError('REGISTRY_UNAVAILABLE', `${host} is not asked any more: the client was closed`, {
    kind: 'unavailable',
    details: {host, repeated: 'never'},
  });

/** The pause that a reply begins; null: it begins none. */
function pauseAfter(outcome: Outcome, {spent}: RetryBudget, policy: RetryPolicy): HostPause | null {
  if ('error' in outcome) return null;
  const {status} = outcome.response;
  if (status !== TOO_MANY_REQUESTS && status !== 503) return null;
  const asked = readRetryAfter(outcome.response, Date.now());
  if (asked !== null) return {status, delayMs: Math.min(asked, policy.longestPauseMs)};
  if (status !== TOO_MANY_REQUESTS) return null;
  return {status, delayMs: Math.min(policy.firstDelayMs * 2 ** spent.times, policy.longestDelayMs)};
}

interface Standing {
  readonly budget: RetryBudget;
  /** Whether the host has answered before. */
  readonly isKnown: boolean;
  readonly isPaused: boolean;
}

/** Milliseconds to wait before the request is sent again (0: until the pause is over); null: it is not. */
function delayAfter(outcome: Outcome, {budget, isKnown, isPaused}: Standing): number | null {
  if (isPaused) return budget.spend() ? 0 : null;
  if ('response' in outcome) return REPEATED_STATUSES.includes(outcome.response.status) ? budget.next() : null;
  const {code, details} = outcome.error;
  if (code === 'REGISTRY_UNAVAILABLE') return budget.next();
  if (code !== 'REGISTRY_UNREACHABLE') return null;
  if (!isKnown && (LASTING.includes(details.errno) || budget.spent.times > 0)) return null;
  return budget.next();
}

/** An upload is continued by those who know where it stands, but what got a 429 was not even looked at. */
function isRepeatable({url, method = 'GET', form, mayRepeat = true}: TransportRequest, outcome: Outcome): boolean {
  if (mayRepeat === false || (mayRepeat === 'replies' && 'error' in outcome)) return false;
  if ('response' in outcome && outcome.response.status === TOO_MANY_REQUESTS) return true;
  if (method === 'PUT') return /\/manifests\/[^/]+$/.test(url.pathname);
  return (method !== 'POST' && method !== 'PATCH') || form !== undefined;
}

function settle(outcome: Outcome, {spent}: RetryBudget): TransportResponse {
  if ('error' in outcome) throw givenUp(outcome.error, spent);
  return spent.times === 0 ? outcome.response : {...outcome.response, repeated: describeSpent(spent)};
}

/** Whether a connection broke that may be tried anew; what was already repeated until it was given up is none. */
export const isInterruption = (error: unknown): error is WinchError =>
  isWinchError(error, 'REGISTRY_UNAVAILABLE') && error.details.repeated === undefined;

/** The error for what was tried in vain until it was given up. */
export function givenUp(error: WinchError, spent: RetryBudget['spent']): WinchError {
  if (spent.times === 0) return error;
  const repeated = describeSpent(spent);
  return reword(error, {message: `${error.message}; retried ${repeated}`, details: {repeated}});
}

export interface CutOptions {
  readonly retryPolicy?: Partial<RetryPolicy> | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: EventSink | undefined;
}

/** Repeats the work for a small reply whose body broke off: it is asked for again as a whole. */
export async function repeatCut<T>(work: () => Promise<T>, options: CutOptions): Promise<T> {
  const budget = createRetryBudget({...DEFAULT_RETRY_POLICY, ...options.retryPolicy});
  while (true) {
    try {
      return await work();
    } catch (error) {
      if (!isInterruption(error)) throw error;
      const delayMs = budget.next();
      if (delayMs === null) throw givenUp(error, budget.spent);
      await waitTelling({...options, host: String(error.details.host)}, {error}, {budget, delayMs});
    }
  }
}

async function waitTelling(
  {host, signal, onEvent}: CutOptions & {readonly host: string},
  outcome: Outcome,
  {budget, delayMs}: {readonly budget: RetryBudget; readonly delayMs: number},
): Promise<void> {
  const reason = 'response' in outcome ? `it answers ${outcome.response.status}` : outcome.error.message;
  onEvent?.({type: 'request:retrying', host, reason, attempt: budget.spent.times, delayMs});
  await waitFor(delayMs, signal);
}
