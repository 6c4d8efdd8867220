import {setTimeout as sleep} from 'node:timers/promises';
import {monotonicMs} from '../host/monotonic-ms.ts';

export interface RetryPolicy {
  /** Before the first repetition, in milliseconds; every further one waits twice as long. */
  readonly firstDelayMs: number;
  readonly longestDelayMs: number;
  /** How long something is tried in vain. */
  readonly budgetMs: number;
  /** No host is granted a longer pause than this. */
  readonly longestPauseMs: number;
}

/** What one piece of work may still be repeated. */
export interface RetryBudget {
  /** Milliseconds before the next repetition, 10 % more or less; null: it is given up. Counts as one. */
  next(): number | null;
  /** Counts a repetition that waits for something else; false: it is given up. */
  spend(): boolean;
  /** Repetitions so far, and the time over which they were made. */
  readonly spent: {readonly times: number; readonly overMs: number};
}

export const DEFAULT_RETRY_POLICY: RetryPolicy = Object.freeze({
  firstDelayMs: 500,
  longestDelayMs: 30_000,
  budgetMs: 60_000,
  longestPauseMs: 60_000,
});

const JITTER = 0.1;

/** Starts a budget; its time runs from now. */
export function createRetryBudget({firstDelayMs, longestDelayMs, budgetMs}: RetryPolicy): RetryBudget {
  const start = monotonicMs();
  let times = 0;
  const elapsedMs = () => monotonicMs() - start;
  return {
    next: () => {
      const delayMs = Math.min(firstDelayMs * 2 ** times, longestDelayMs) * (1 + JITTER * (2 * Math.random() - 1));
      if (elapsedMs() + delayMs > budgetMs) return null;
      times += 1;
      return delayMs;
    },
    spend: () => {
      if (elapsedMs() >= budgetMs) return false;
      times += 1;
      return true;
    },
    get spent() {
      return {times, overMs: elapsedMs()};
    },
  };
}

/** Up to a tenth more: who waits for the same moment does not come back in the same moment. */
export const withLateJitter = (milliseconds: number): number => milliseconds * (1 + JITTER * Math.random());

/** Waits; an abort rejects with the signal's reason. */
export async function waitFor(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  try {
    await sleep(milliseconds, undefined, {signal});
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

/** `5 times over 61 s` */
export const describeSpent = ({times, overMs}: RetryBudget['spent']): string =>
  `${times === 1 ? 'once' : `${times} times`} over ${overMs < 10_000 ? Math.round(overMs / 100) / 10 : Math.round(overMs / 1000)} s`;
