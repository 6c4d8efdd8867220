import {CommandFailure, timeCommand, type Words} from './command.ts';
import {watchMemory} from './memory.ts';

/** One side of a comparison. */
export interface Contender {
  readonly name: string;
  readonly words: Words;
  /** Once, before its first run. */
  readonly setUp?: () => Promise<unknown>;
  /** Before every run, not timed. */
  readonly prepare?: () => Promise<unknown>;
  /** Watch its memory in the warm-up run. */
  readonly isMemoryWatched?: boolean;
}

export interface CompareOptions {
  readonly runs: number;
  readonly signal?: AbortSignal | undefined;
  /** Hears of every run that is over. */
  readonly onRun?: (name: string, milliseconds: number) => void;
}

/** How one contender did. */
export interface Measurement {
  readonly name: string;
  /** Wall-clock milliseconds of each timed run, in order. */
  readonly runs: readonly number[];
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** Its median by that of the first contender: above 1, the first is faster. */
  readonly ratio: number;
  /** Peak memory of its processes in the warm-up run. */
  readonly peakBytes?: number;
}

export interface Comparison {
  readonly measurements: readonly Measurement[];
  /** Who failed, and at what. */
  readonly failures: readonly {readonly name: string; readonly reason: string}[];
}

interface Track {
  readonly contender: Contender;
  readonly runs: number[];
  peakBytes: number | undefined;
  failure: string | undefined;
}

/**
 * Times contenders in turns (A B C, A B C …), after one warm-up round that does not count.
 *
 * Drift of the machine meets all alike, and what one run leaves to be written back is flushed before the next starts.
 * A contender that fails once takes no further part.
 */
export async function compare(contenders: readonly Contender[], options: CompareOptions): Promise<Comparison> {
  const tracks: Track[] = contenders.map((contender) => ({
    contender,
    runs: [],
    peakBytes: undefined,
    failure: undefined,
  }));
  for (let round = 0; round <= options.runs; round++) {
    for (const track of tracks) {
      if (track.failure === undefined) await runOnce(track, round === 0, options);
    }
  }
  const done = tracks.filter(({failure}) => failure === undefined);
  return {
    measurements: summarize(done.map(({contender: {name}, runs, peakBytes}) => ({name, runs, peakBytes}))),
    failures: tracks.flatMap(({contender: {name}, failure}) =>
      failure === undefined ? [] : [{name, reason: failure}],
    ),
  };
}

interface Samples {
  readonly name: string;
  readonly runs: readonly number[];
  readonly peakBytes?: number | undefined;
}

/** Medians, extremes and ratios to the first. */
export function summarize(samples: readonly Samples[]): readonly Measurement[] {
  const base = medianOf(samples[0]?.runs ?? []);
  return samples.map(({name, runs, peakBytes}) => {
    const median = medianOf(runs);
    const extremes = {min: Math.min(...runs), max: Math.max(...runs)};
    return {name, runs, median, ...extremes, ratio: median / base, ...(peakBytes !== undefined && {peakBytes})};
  });
}

/** The middle value, or the mean of the two in the middle. */
export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? Number.NaN) + (sorted[Math.ceil(middle)] ?? Number.NaN)) / 2;
}

async function runOnce(track: Track, isWarmUp: boolean, {signal, onRun}: CompareOptions): Promise<void> {
  const {name, words, setUp, prepare, isMemoryWatched = false} = track.contender;
  try {
    if (isWarmUp) await setUp?.();
    await prepare?.();
    await timeCommand(['sync'], {signal});
    if (isWarmUp && isMemoryWatched) track.peakBytes = await peakOf(words, signal);
    else if (isWarmUp) await timeCommand(words, {signal});
    else {
      const milliseconds = await timeCommand(words, {signal});
      track.runs.push(milliseconds);
      onRun?.(name, milliseconds);
    }
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error;
    track.failure = error.message;
  }
}

async function peakOf(words: Words, signal: AbortSignal | undefined): Promise<number> {
  let stop = () => 0;
  const onSpawn = (pid: number) => {
    const watch = watchMemory(pid);
    stop = watch.stop;
  };
  try {
    await timeCommand(words, {signal, onSpawn});
  } finally {
    stop();
  }
  return stop();
}
