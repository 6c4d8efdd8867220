import {WinchError} from '../errors.ts';
import {monotonicMs} from '../host/monotonic-ms.ts';
import type {HostPauses} from './host-pauses.ts';
import {waitFor, withLateJitter} from './retry-budget.ts';
import type {TransportRequest} from './transport.ts';

/** What a host asked for. */
export interface HostPause {
  readonly delayMs: number;
  /** What it answered. */
  readonly status: number;
}

/** Keeps requests away from hosts that pause. */
export interface PauseKeeper {
  /** Takes down that the host of a request wants to be left alone. */
  begin(request: TransportRequest, pause: HostPause): void;
  /**
   * Resolves when the host of a request may be asked.
   *
   * @throws {WinchError} `RATE_LIMITED`: at once, for who has another place to ask.
   */
  sitOut(request: TransportRequest): Promise<void>;
}

/** The end of a pause that was told, as another clock counts. */
const REST_MS = 20;

/** Keeps the pauses of hosts and tells of each once, whoever began it. */
export function createPauseKeeper(pauses: HostPauses): PauseKeeper {
  const toldUntil = new Map<string, number>();
  const tell = ({url: {host}, onEvent}: TransportRequest, delayMs: number, reason: string): void => {
    const now = monotonicMs();
    const isTold = now < (toldUntil.get(host) ?? 0);
    toldUntil.set(host, Math.max(toldUntil.get(host) ?? 0, now + delayMs));
    if (!isTold) onEvent?.({type: 'host:paused', host, reason, delayMs});
  };
  return {
    begin: (request, {delayMs, status}) => {
      pauses.begin(request.url.host, delayMs);
      tell(request, delayMs, `it answers ${status}`);
    },
    sitOut: async (request) => {
      const {url, mayRepeat = true, signal} = request;
      for (let restMs = pauses.remaining(url.host); restMs > 0; restMs = pauses.remaining(url.host)) {
        if (restMs > REST_MS) tell(request, restMs, 'it said so to another request');
        if (!mayRepeat) throw stillPaused(url, restMs);
        await waitFor(withLateJitter(restMs), signal);
      }
    },
  };
}

const stillPaused = ({host}: URL, restMs: number): WinchError =>
  new WinchError('RATE_LIMITED', `${host} asked not to be asked for ${Math.ceil(restMs / 1000)} s`, {
    kind: 'unavailable',
    hint: 'try again later',
    details: {host},
  });
