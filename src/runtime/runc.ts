import {existsSync, mkdirSync} from 'node:fs';
import {basename, join} from 'node:path';
import {callProgram} from '../host/call-program.ts';
import {killUnlessGone} from '../host/kill-unless-gone.ts';
import {listChildren} from '../host/process-family.ts';
import {removeTreeSync} from '../host/remove-tree.ts';
import {startProgram} from '../host/start-program.ts';
import {knowsKeep} from './knows-keep.ts';
import {
  deleteArguments,
  killArguments,
  pauseArguments,
  resumeArguments,
  runArguments,
  startArguments,
  stateArguments,
  updateArguments,
} from './runc-arguments.ts';
import {startExec, startStreamedExec} from './runc-exec.ts';
import type {CreatedContainer, RunningContainer, Runtime, RuntimeState, StartRequest} from './runtime.ts';
import {ENVIRONMENT, readExit, readFailure} from './runtime-process.ts';
import {canWait, startWaiting} from './waiting-runtime.ts';

export interface RuncOptions {
  /** Absolute path of the binary. */
  readonly path: string;
  /** Directory of the runtime's state; made with mode 0700. */
  readonly stateDirectory: string;
}

const CALL = Object.freeze({environment: ENVIRONMENT});
/** What runc and crun say of a container that has ended, or of whose state there is nothing. */
const NOT_RUNNING = /not running|does not exist|no such process|process already finished|open pidfd/i;

/** A runtime with runc's command line (runc, crun, youki). */
export function openRunc({path, stateDirectory}: RuncOptions): Runtime {
  const flags = {root: stateDirectory};
  return {
    path,
    start: (request) => start(path, flags, request).container,
    startWaiting: (request) =>
      canWait(path)
        ? startWaiting({bundle: request.bundle, start: (bundle) => start(path, flags, {...request, bundle})})
        : null,
    exec: (request) => startExec(path, {...flags, log: request.log}, request),
    execStreamed: (request) => startStreamedExec(path, {...flags, log: request.log}, request),
    remove: async (id) => {
      const {exitCode, stderr} = await callProgram(path, deleteArguments(flags, id), CALL);
      // The watcher of a run that was killed may have been quicker.
      const isLeft = exitCode !== 0 && existsSync(join(stateDirectory, id));
      if (isLeft) throw new Error(`${path} delete ${id}: ${stderr.trim()}`);
    },
    forget: (id) => {
      if (basename(path) !== 'runc') return false;
      removeTreeSync(join(stateDirectory, id));
      return true;
    },
    startCreated: (container) => startCreated(path, flags, container),
    signal: async (id, signal) => {
      const {exitCode, stderr} = await callProgram(path, killArguments(flags, id, String(signal)), CALL);
      if (exitCode !== 0 && !NOT_RUNNING.test(stderr)) throw new Error(`${path} kill ${id}: ${stderr.trim()}`);
      return exitCode === 0;
    },
    pause: (id) => attempt(path, pauseArguments(flags, id)),
    resume: (id) => attempt(path, resumeArguments(flags, id)),
    update: (id, resourcesFile) => attempt(path, updateArguments(flags, id, resourcesFile)),
    isWaiting: async (id) => (await readState(path, flags, id))?.status === 'created',
    readState: (id) => readState(path, flags, id),
    hasState: (id) => existsSync(join(stateDirectory, id)),
  };
}

interface Started {
  readonly container: RunningContainer;
  /** Sends SIGKILL to the runtime at once; settles when it is gone. */
  end(): Promise<void>;
}

function start(path: string, {root}: {root: string}, request: StartRequest): Started {
  const {id, bundle, keep, interactive, terminal, console, log} = request;
  mkdirSync(root, {recursive: true, mode: 0o700});
  const program = startProgram({
    path,
    words: runArguments({root, log}, {id, bundle, keep: keep && knowsKeep(path)}),
    environment: ENVIRONMENT,
    streams: [interactive ? 0 : 'ignore', 1, console ?? 2],
    // In a session of its own the runtime gets only the signals that are forwarded, not the terminal's once more; with
    // a terminal that somebody sees it must stay in the foreground to be told of resizes.
    hasOwnSession: !terminal || console !== null,
  });
  let hasEnded = false;
  const waitForEnd = async () => {
    const exit = await program.ended();
    hasEnded = true;
    return readExit(exit, log);
  };
  const exited = waitForEnd();
  const container = {
    pid: program.pid,
    exited,
    forward: program.kill,
    killAll: async () => {
      const {exitCode} = await callProgram(path, killArguments({root}, id, 'KILL'), CALL);
      if (exitCode !== 0 && !hasEnded) killChildren(program.pid);
    },
  };
  return {
    container,
    end: async () => {
      program.kill('SIGKILL');
      await exited;
    },
  };
}

/** The state of a container may have been removed: its first process is a child of the runtime, and ends all others. */
function killChildren(runtimePid: number): void {
  for (const pid of listChildren(runtimePid)) killUnlessGone(pid);
}

/** @returns what the runtime said when it failed; else null. */
async function attempt(path: string, words: readonly string[]): Promise<string | null> {
  const {exitCode, stderr} = await callProgram(path, words, CALL);
  return exitCode === 0 ? null : stderr.trim() || `it ended with code ${exitCode}`;
}

/** @see runtime-spec v1.0.2 runtime.md#state */
async function readState(path: string, flags: {root: string}, id: string): Promise<RuntimeState | null> {
  const {exitCode, stdout} = await callProgram(path, stateArguments(flags, id), CALL);
  return exitCode === 0 ? parseState(stdout) : null;
}

function parseState(text: string): RuntimeState | null {
  try {
    return JSON.parse(text) as RuntimeState;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

async function startCreated(path: string, flags: {root: string}, {id, log}: CreatedContainer): Promise<string | null> {
  const {exitCode, stderr} = await callProgram(path, startArguments({...flags, log}, id), CALL);
  return exitCode === 0 ? null : (readFailure(log) ?? (stderr.trim() || `it ended with code ${exitCode}`));
}
