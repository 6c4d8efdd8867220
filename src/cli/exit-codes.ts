import {type ErrorKind, isWinchError, WinchError} from '../errors.ts';

/** A bug of winch. */
export const EXIT_BUG = 1;

/** `run`: winch or the runtime failed before the container could have a code of its own, as docker has it. */
export const EXIT_RUN_FAILED = 125;

const EXIT_BY_KIND: Readonly<Record<Exclude<ErrorKind, 'interrupted'>, number>> = {
  invalid: 2,
  refused: 3,
  'not-found': 4,
  unavailable: 4,
  unauthorized: 5,
  denied: 5,
  storage: 6,
  corrupt: 6,
  unsupported: 6,
  runtime: EXIT_RUN_FAILED,
};

/** What a command ends with that has found nothing and says so by its result alone. */
export const EXIT_NOT_FOUND = EXIT_BY_KIND['not-found'];

/** What `doctor` ends with where images cannot be run. */
export const EXIT_MISSING = 1;

/** What a command ends with that leaves out what it refuses, and does the rest. */
export const EXIT_REFUSED = EXIT_BY_KIND.refused;

const EXIT_OF_RUN: ReadonlyMap<string, number> = new Map([
  ['COMMAND_NOT_EXECUTABLE', 126],
  ['COMMAND_NOT_FOUND', 127],
]);

const SIGNAL_NUMBERS: Readonly<Record<string, number>> = {SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGTERM: 15};

/** 128 + n, as shells report a process that signal n ended. */
export const exitCodeOfSignal = (signal: string): number => 128 + (SIGNAL_NUMBERS[signal] ?? 2);

/** What an aborted call is rejected with after `signal` arrived. */
export const interruptedBy = (signal: NodeJS.Signals): WinchError =>
  new WinchError('INTERRUPTED', `stopped by ${signal}`, {kind: 'interrupted', details: {signal}});

/**
 * The exit code of an error, or of the first of several.
 *
 * @param failureExitCode Takes the place of every code but those of interruptions and of commands that a container
 * does not have; `run` and its 125.
 */
export function exitCodeOf(error: unknown, failureExitCode?: number): number {
  if (error instanceof AggregateError) return exitCodeOf(error.errors[0], failureExitCode);
  if (!isWinchError(error)) return failureExitCode ?? EXIT_BUG;
  if (error.kind === 'interrupted') return exitCodeOfSignal(String(error.details.signal ?? 'SIGINT'));
  if (failureExitCode === undefined) return EXIT_BY_KIND[error.kind];
  return EXIT_OF_RUN.get(error.code) ?? failureExitCode;
}
