import type {ChildProcess} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {constants} from 'node:os';
import {hasErrno} from '../errors.ts';
import type {ProgramExit} from '../host/start-program.ts';
import {SYSTEM_PATH} from './find-runtime.ts';
import type {RuntimeExit} from './runtime.ts';

/** Nothing of the caller's environment reaches the runtime. */
export const ENVIRONMENT = Object.freeze({PATH: SYSTEM_PATH, LANG: 'C.UTF-8'});
const SIGNAL_EXIT_BASE = 128;

/** Waits for the runtime to end, which ends with the code of what it has run. */
export const waitForExit = (child: ChildProcess, log: string): Promise<RuntimeExit> =>
  new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (exitCode, signal) => resolve(readExit({exitCode, signal}, log)));
  });

/** What the end of the runtime says of what it has run. */
export function readExit({exitCode: code, signal}: ProgramExit, log: string): RuntimeExit {
  const exitCode = code ?? SIGNAL_EXIT_BASE + (signal ? constants.signals[signal] : 0);
  const killed = signal ? `it was ended by ${signal}` : null;
  return {exitCode, failure: killed ?? (exitCode === 0 ? null : readFailure(log))};
}

/** The last error in the runtime's log: the container's own failures leave none. */
export function readFailure(log: string): string | null {
  const lines = readLog(log).split('\n').filter(Boolean);
  for (const line of lines.toReversed()) {
    const message = errorMessage(line);
    if (message !== null) return message;
  }
  return null;
}

function readLog(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return '';
    throw error;
  }
}

function errorMessage(line: string): string | null {
  try {
    const entry: unknown = JSON.parse(line);
    if (typeof entry !== 'object' || entry === null || !('level' in entry) || !('msg' in entry)) return null;
    return (entry.level === 'error' || entry.level === 'fatal') && typeof entry.msg === 'string' ? entry.msg : null;
  } catch (error) {
    // A line cut short by a killed runtime is no message.
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
