import {type ChildProcess, spawn} from 'node:child_process';
import {mkdirSync} from 'node:fs';
import type {Readable} from 'node:stream';
import {SYSTEM_PATH} from './find-runtime.ts';
import {globalArguments} from './runc-arguments.ts';
import {readFailure} from './runtime-process.ts';

export interface Supervision {
  /** Absolute path of conmon. */
  readonly conmon: string;
  /** Absolute path of the OCI runtime. */
  readonly runtime: string;
  /** Directory of the runtime's state; made with mode 0700. */
  readonly stateDirectory: string;
  readonly id: string;
  /** Directory of config.json; conmon puts its sockets there. */
  readonly bundle: string;
  /** Whether the container has a terminal. */
  readonly terminal: boolean;
  /** Whether the container's standard input stays open; otherwise it reads end-of-file. */
  readonly interactive: boolean;
  /** Whether that outlives those who write to it; it does with a terminal. */
  readonly keepsInput: boolean;
  /** What the container prints: lines of `TIME stdout|stderr F|P TEXT`, `P` for a piece of a line. No `:` in it. */
  readonly logFile: string;
  /** From which size on the log begins anew; absent: never. Conmon replaces the file then. */
  readonly largestLogBytes?: number | undefined;
  /** An existing directory in which the exit code (`exit`) and an out-of-memory kill (`oom`) are noted. */
  readonly noteDirectory: string;
  /** File for the runtime's own messages. */
  readonly runtimeLog: string;
  /** A program and its arguments that run once the container has ended. */
  readonly exitCommand: readonly string[] | null;
}

export interface Supervised {
  readonly supervisorPid: number;
  /** The first process of the container, which waits to be started; or what the runtime said when it failed. */
  readonly created: Promise<{readonly pid: number} | {readonly failure: string}>;
}

/** Logs carry UTC: the time zone of whoever started a container is nobody's business. */
const ENVIRONMENT = Object.freeze({PATH: SYSTEM_PATH, LANG: 'C.UTF-8', TZ: 'UTC'});
const SYNC_FD = 3;
/** In the bundle: the pid of the first process, once the container is made. */
export const PID_FILE = 'pid';
const REPLY_LIMIT_BYTES = 64 * 1024;

/**
 * Starts conmon, which has the runtime create a container in the mount namespace of the calling thread, and then stays
 * with it: whatever happens to this process, output is logged and the exit code noted.
 *
 * Synchronous up to the start of conmon.
 *
 * @see https://github.com/containers/conmon/blob/v2.1.6/docs/conmon.8.md
 */
export function startConmon(supervision: Supervision): Supervised {
  mkdirSync(supervision.stateDirectory, {recursive: true, mode: 0o700});
  return startProgram(supervision.conmon, conmonArguments(supervision), supervision.runtimeLog);
}

/** Starts conmon with a command line. Synchronous up to there. */
export function startProgram(conmon: string, words: readonly string[], runtimeLog: string): Supervised {
  const child = spawn(conmon, words, {
    cwd: '/',
    env: {...ENVIRONMENT, _OCI_SYNCPIPE: String(SYNC_FD)},
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const created = waitUntilCreated(child, runtimeLog);
  child.unref();
  return {supervisorPid: child.pid ?? 0, created};
}

/** Its command line; the id never comes last, which is how a runtime that works on the container is known. */
export function conmonArguments(supervision: Omit<Supervision, 'conmon'>): readonly string[] {
  const {id, runtime, stateDirectory, runtimeLog, exitCommand} = supervision;
  const [program, ...words] = exitCommand ?? [];
  const runtimeWords = globalArguments({root: stateDirectory, log: runtimeLog});
  return [
    ...['--api-version', '1', '--cid', id, '--cuuid', id, '--runtime', runtime],
    ...runtimeWords.flatMap((word) => ['--runtime-arg', word]),
    ...['--bundle', supervision.bundle, '--container-pidfile', `${supervision.bundle}/${PID_FILE}`],
    ...['--persist-dir', supervision.noteDirectory, '--log-path', `k8s-file:${supervision.logFile}`],
    ...(supervision.largestLogBytes === undefined ? [] : ['--log-size-max', String(supervision.largestLogBytes)]),
    ...(program === undefined ? [] : ['--exit-command', program]),
    ...words.flatMap((word) => ['--exit-command-arg', word]),
    ...(supervision.terminal ? ['--terminal'] : []),
    ...(supervision.interactive ? ['--stdin'] : []),
    ...(supervision.keepsInput || supervision.terminal ? ['--leave-stdin-open'] : []),
    // One process less between this one and conmon, whose pid is then known at once.
    ...['--full-attach', '--sync'],
  ];
}

async function waitUntilCreated(child: ChildProcess, runtimeLog: string) {
  const replies = readAll(child.stdio[SYNC_FD] as Readable, /\n/);
  const complaints = readAll(child.stderr as Readable);
  const failed = new Promise<never>((_, reject) => child.once('error', reject));
  const reply = parseReply(await Promise.race([replies, failed]));
  if (reply !== null && reply.data > 0) {
    // Conmon stays, and this process must be able to end before it.
    child.stderr?.destroy();
    return {pid: reply.data};
  }
  const said = readFailure(runtimeLog) ?? reply?.message?.trim();
  return {failure: said || (await complaints).trim() || 'conmon ended without a word'};
}

/** What a stream says until it ends, or until that matches; there may be more of it then. */
function readAll(stream: Readable, end?: RegExp): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const finish = () => {
      stream.destroy();
      resolve(text);
    };
    stream.setEncoding('utf8');
    stream.on('data', (piece: string) => {
      text += piece;
      if (end?.test(text) || text.length > REPLY_LIMIT_BYTES) finish();
    });
    stream.once('error', finish);
    stream.once('close', finish);
  });
}

/** A further line has the exit code, which has come at once when the process was soon over. */
function parseReply(text: string): {readonly data: number; readonly message?: string} | null {
  const [line = ''] = text.split('\n');
  try {
    const reply: unknown = JSON.parse(line);
    if (typeof reply !== 'object' || reply === null || !('data' in reply) || typeof reply.data !== 'number')
      return null;
    const message = 'message' in reply && typeof reply.message === 'string' ? reply.message : '';
    return {data: reply.data, message};
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
