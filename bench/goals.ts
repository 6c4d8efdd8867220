import type {Measurement} from './measure.ts';

/** What winch is to reach in a comparison, and whether it did. */
export interface Goal {
  /** `times as fast as`, of whom or what, or `peak MB`. */
  readonly name: string;
  /** Measured. */
  readonly value: number;
  readonly wanted: number;
  readonly isReached: boolean;
}

interface Comparison {
  readonly scenario: string;
  readonly image: string | null;
  readonly measurements: readonly Measurement[];
}

/** Those that make an image runnable, as winch does; others only download. */
const RIVALS: readonly string[] = ['podman', 'docker', 'ctr'];
/** How many times faster than the fastest of them, by image. */
const SPEEDS: Readonly<Record<string, number>> = Object.freeze({base: 2, 'many-files': 4, layers: 2});
/** By what factor it may miss the time of a program that only downloads, inflates and hashes. */
const MOST_OF_FLOOR = 1.5;
const MOST_PEAK_BYTES = 250e6;

/** The goals of a cold pull; none for other comparisons, nor about who took no part. */
export function judge({scenario, image, measurements}: Comparison): readonly Goal[] {
  const winch = measurements.find(({name}) => name === 'winch');
  if (scenario !== 'pull' || image === null || !winch) return [];
  const goals: Goal[] = [];
  const rival = measurements.filter(({name}) => RIVALS.includes(name)).toSorted((a, b) => a.median - b.median)[0];
  const speed = SPEEDS[image];
  if (rival && speed !== undefined) {
    goals.push(atLeast(speed, {name: `times as fast as ${rival.name}`, value: rival.median / winch.median}));
  }
  const floor = measurements.find(({name}) => name === 'node');
  if (floor) goals.push(atMost(MOST_OF_FLOOR, {name: 'times the floor', value: winch.median / floor.median}));
  const {peakBytes} = winch;
  if (peakBytes !== undefined) goals.push(atMost(MOST_PEAK_BYTES / 1e6, {name: 'peak MB', value: peakBytes / 1e6}));
  return goals;
}

type Finding = Pick<Goal, 'name' | 'value'>;

const atLeast = (wanted: number, found: Finding): Goal => ({...found, wanted, isReached: found.value >= wanted});

const atMost = (wanted: number, found: Finding): Goal => ({...found, wanted, isReached: found.value <= wanted});
