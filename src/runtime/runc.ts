import {type ChildProcess, spawn} from 'node:child_process';
import {existsSync, mkdirSync, readFileSync} from 'node:fs';
import {constants} from 'node:os';
import {join} from 'node:path';
import {hasErrno} from '../errors.ts';
import {runCommand} from '../host/run-command.ts';
import {SYSTEM_PATH} from './find-runtime.ts';
import {deleteArguments, killArguments, runArguments, startArguments, stateArguments} from './runc-arguments.ts';
import type {CreatedContainer, RunningContainer, Runtime, RuntimeExit, StartRequest} from './runtime.ts';

export interface RuncOptions {
  /** Absolute path of the binary. */
  readonly path: string;
  /** Directory of the runtime's state; made with mode 0700. */
  readonly stateDirectory: string;
}

/** Nothing of the caller's environment reaches the runtime. */
const ENVIRONMENT = Object.freeze({PATH: SYSTEM_PATH, LANG: 'C.UTF-8'});
const CALL = Object.freeze({environment: ENVIRONMENT});
const SIGNAL_EXIT_BASE = 128;
/** What runc and crun say of a container that has ended, or of whose state there is nothing. */
const NOT_RUNNING = /not running|does not exist|no such process|process already finished|open pidfd/i;
/** In the JSON of the runtime's state (runtime-spec v1.0.2 runtime.md#state). */
const WAITING = /"status":\s*"created"/;

/** A runtime with runc's command line (runc, crun, youki). */
export function openRunc({path, stateDirectory}: RuncOptions): Runtime {
  const flags = {root: stateDirectory};
  return {
    path,
    start: (request) => {
      mkdirSync(stateDirectory, {recursive: true, mode: 0o700});
      return start(path, {...flags, log: request.log}, request);
    },
    remove: async (id) => {
      const {exitCode, stderr} = await runCommand(path, deleteArguments(flags, id), {environment: ENVIRONMENT});
      if (exitCode !== 0) throw new Error(`${path} delete ${id}: ${stderr.trim()}`);
    },
    startCreated: (container) => startCreated(path, flags, container),
    signal: async (id, signal) => {
      const {exitCode, stderr} = await runCommand(path, killArguments(flags, id, String(signal)), CALL);
      if (exitCode !== 0 && !NOT_RUNNING.test(stderr)) throw new Error(`${path} kill ${id}: ${stderr.trim()}`);
      return exitCode === 0;
    },
    isWaiting: async (id) => {
      const {exitCode, stdout} = await runCommand(path, stateArguments(flags, id), CALL);
      return exitCode === 0 && WAITING.test(stdout);
    },
    hasState: (id) => existsSync(join(stateDirectory, id)),
  };
}

function start(path: string, flags: {root: string; log: string}, request: StartRequest): RunningContainer {
  const {id, bundle, keep, interactive, terminal} = request;
  const child = spawn(path, runArguments(flags, {id, bundle, keep}), {
    cwd: '/',
    env: ENVIRONMENT,
    stdio: [interactive ? 'inherit' : 'ignore', 'inherit', 'inherit'],
    // In a session of its own the runtime gets only the signals that are forwarded, not the terminal's once more; with
    // a terminal it must stay in the foreground to be told of resizes.
    detached: !terminal,
  });
  return {
    pid: child.pid ?? null,
    exited: waitForExit(child, flags.log),
    forward: (signal) => void child.kill(signal),
    killAll: async () => {
      await runCommand(path, killArguments({root: flags.root}, id, 'KILL'), {environment: ENVIRONMENT});
    },
  };
}

async function startCreated(path: string, flags: {root: string}, {id, log}: CreatedContainer): Promise<string | null> {
  const {exitCode, stderr} = await runCommand(path, startArguments({...flags, log}, id), CALL);
  return exitCode === 0 ? null : (readFailure(log) ?? (stderr.trim() || `it ended with code ${exitCode}`));
}

const waitForExit = (child: ChildProcess, log: string): Promise<RuntimeExit> =>
  new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      const exitCode = code ?? SIGNAL_EXIT_BASE + (signal ? constants.signals[signal] : 0);
      const killed = signal ? `it was ended by ${signal}` : null;
      resolve({exitCode, failure: killed ?? (exitCode === 0 ? null : readFailure(log))});
    });
  });

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
