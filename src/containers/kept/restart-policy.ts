/** When a container that has ended starts again by itself, as long as somebody stays with it. */
export type RestartPolicy =
  /** Unless it has ended with 0; at most so many times in a row, when that is said. */
  | {readonly name: 'on-failure'; readonly maximumRetries?: number | undefined}
  | {readonly name: 'always' | 'unless-stopped'};

export interface EndedStart {
  readonly exitCode: number;
  /** How many times in a row it has been started again by its policy. */
  readonly restarts: number;
  /** How long was waited before this start; 0 for one that somebody asked for. */
  readonly pauseMs: number;
  /** How long it has run. */
  readonly ranMs: number;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 60_000;
/** What has run for so long has started well. */
const STEADY_MS = 10_000;

/**
 * How long to wait before the next start: docker's tenth of a second, twice as long each time, at most a minute.
 *
 * @returns null: it is not to start again.
 */
export function pauseBeforeRestart(
  policy: RestartPolicy,
  {exitCode, restarts, pauseMs, ranMs}: EndedStart,
): number | null {
  if (policy.name === 'on-failure') {
    const {maximumRetries = Number.POSITIVE_INFINITY} = policy;
    if (exitCode === 0 || restarts >= maximumRetries) return null;
  }
  if (pauseMs === 0 || ranMs >= STEADY_MS) return FIRST_PAUSE_MS;
  return Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
}
