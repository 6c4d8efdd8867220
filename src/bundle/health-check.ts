import {WinchError} from '../errors.ts';
import type {ContainerConfig} from '../oci/container-config.ts';
import type {HealthConfig} from '../oci/health-config.ts';
import type {ContainerOptions, HealthOptions} from './container-options.ts';

/** How a container is checked. */
export interface HealthCheck {
  /** As an image says it: `CMD` and a command line, or `CMD-SHELL` and what a shell runs. */
  readonly test: readonly string[];
  /** A program and its arguments. */
  readonly command: readonly string[];
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly retries: number;
  readonly startPeriodMs: number;
  readonly startIntervalMs: number;
}

const DEFAULT_SHELL: readonly string[] = ['/bin/sh', '-c'];
const DEFAULTS = Object.freeze({
  intervalMs: 30_000,
  timeoutMs: 30_000,
  retries: 3,
  startPeriodMs: 0,
  startIntervalMs: 5000,
});
/** Docker refuses less. */
const SHORTEST_MS = 1;
/** Longer than any machine runs, and still a number that timers of 32 bits can be made of. */
const LONGEST_MS = 24 * 86_400_000;
const NANOSECONDS = 1e6;

/**
 * How a container is checked: as the caller says, else as its image does.
 *
 * @returns null: not at all.
 * @throws {WinchError} `HEALTHCHECK_INVALID`
 */
export function createHealthCheck(image: ContainerConfig, {health}: ContainerOptions): HealthCheck | null {
  if (health === 'none') return null;
  const own: HealthOptions = health ?? {};
  const test = own.command === undefined ? (image.Healthcheck?.Test ?? []) : testOf(own.command);
  const command = commandOf(test, image);
  if (command === null) {
    if (Object.values(own).every((value) => value === undefined)) return null;
    throw invalid('there is no command that checks the container');
  }
  const [times, said] = [timesOf(image.Healthcheck ?? {}), own];
  const choose = (name: keyof typeof DEFAULTS): number => said[name] || times[name] || DEFAULTS[name];
  return {
    ...{test, command},
    intervalMs: requireTime('interval', choose('intervalMs')),
    timeoutMs: requireTime('timeout', choose('timeoutMs')),
    retries: requireRetries(choose('retries')),
    startPeriodMs: choose('startPeriodMs') === 0 ? 0 : requireTime('start period', choose('startPeriodMs')),
    startIntervalMs: requireTime('start interval', choose('startIntervalMs')),
  };
}

const testOf = (command: string | readonly string[]): readonly string[] =>
  typeof command === 'string' ? ['CMD-SHELL', command] : ['CMD', ...command];

/** Null: nothing is said, or that it is not to be checked. */
function commandOf([kind, ...words]: readonly string[], {Shell = DEFAULT_SHELL}: ContainerConfig) {
  if (kind === undefined || kind === 'NONE') return null;
  const [first] = words;
  if (kind === 'CMD' && first !== undefined) return words;
  if (kind === 'CMD-SHELL' && first !== undefined) return [...Shell, first];
  throw invalid(`it is ${kind}, which is neither NONE nor CMD nor CMD-SHELL with a command`);
}

const timesOf = ({Interval = 0, Timeout = 0, Retries = 0, StartPeriod = 0, StartInterval = 0}: HealthConfig) => ({
  intervalMs: Interval / NANOSECONDS,
  timeoutMs: Timeout / NANOSECONDS,
  retries: Retries,
  startPeriodMs: StartPeriod / NANOSECONDS,
  startIntervalMs: StartInterval / NANOSECONDS,
});

function requireTime(name: string, milliseconds: number): number {
  if (milliseconds >= SHORTEST_MS && milliseconds <= LONGEST_MS) return Math.ceil(milliseconds);
  throw invalid(`the ${name} is ${milliseconds} ms, and not between ${SHORTEST_MS} ms and 24 days`);
}

function requireRetries(retries: number): number {
  if (Number.isSafeInteger(retries) && retries > 0) return retries;
  throw invalid(`${retries} is no number of retries`);
}

const invalid = (fault: string): WinchError =>
  new WinchError('HEALTHCHECK_INVALID', `the health check cannot be used: ${fault}`, {
    kind: 'invalid',
    hint: 'say how the container is to be checked, or that it is not to be',
  });
