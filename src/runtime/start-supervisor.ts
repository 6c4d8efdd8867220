import {closeSync, fstatSync, openSync, readSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {isSystemError} from '../errors.ts';
import {openPipe} from '../host/spawn-calls.ts';
import {type StartedProgram, startProgram} from '../host/start-program.ts';
import {type FileWatch, watchFile} from '../host/watch-file.ts';
import {ENVIRONMENT, readFailure} from './runtime-process.ts';

export interface Supervised {
  readonly supervisorPid: number;
  /** The first process of the container, which waits to be started; or what the runtime said when it failed. */
  readonly created: Promise<{readonly pid: number} | {readonly failure: string}>;
}

export interface SupervisorNotes {
  /** File for the runtime's own messages; conmon's reply comes to lie beside it. */
  readonly runtimeLog: string;
}

/** Logs carry UTC: the time zone of whoever started a container is nobody's business. */
const VARIABLES = Object.freeze({...ENVIRONMENT, TZ: 'UTC'});
const REPLY_FILE = 'reply';
const REPLY_FD = 3;
const REPLY_LIMIT_BYTES = 64 * 1024;
/** Between two looks for a reply: where the kernel tells of it, and where it does not. */
const LONG_MS = 250;
const SHORT_MS = 5;

/**
 * Starts conmon with a command line. Synchronous up to there.
 *
 * It replies into a file, not to a socket: what sockets need takes Node 5 ms to load, and a process that is made by Node's
 * own function 3 ms more than one by posix_spawn(3).
 *
 * @throws a Node-style system error (`ENOENT`, `EACCES` …)
 */
export function startSupervisor(conmon: string, words: readonly string[], {runtimeLog}: SupervisorNotes): Supervised {
  using opened = new DisposableStack();
  const path = join(dirname(runtimeLog), REPLY_FILE);
  const reply = openSync(path, 'w+', 0o600);
  opened.defer(() => closeSync(reply));
  const {reader, writer} = openPipe();
  opened.defer(() => closeSync(reader));
  const watch = opened.use(watchFile(path));
  try {
    const program = startProgram({
      path: conmon,
      words,
      environment: {...VARIABLES, _OCI_SYNCPIPE: String(REPLY_FD)},
      streams: ['ignore', 'ignore', writer, reply],
      hasOwnSession: true,
    });
    const created = waitUntilCreated(program, {reply, reader, watch, runtimeLog}, opened.move());
    return {supervisorPid: program.pid, created};
  } finally {
    closeSync(writer);
  }
}

interface Replies extends SupervisorNotes {
  readonly reply: number;
  /** What conmon says to standard error. Conmon stays, and this process must be able to end before it. */
  readonly reader: number;
  readonly watch: FileWatch;
}

async function waitUntilCreated(
  program: StartedProgram,
  {reply, reader, watch, runtimeLog}: Replies,
  opened: DisposableStack,
) {
  using _opened = opened;
  const end = new AbortController();
  program.release(() => end.abort());
  for (;;) {
    // Before its words are read, which are all there then.
    const hasEnded = program.hasEnded();
    const text = readStart(reply, Math.min(fstatSync(reply).size, REPLY_LIMIT_BYTES));
    if (!text.includes('\n') && !hasEnded) {
      await watch.change(watch.isTold ? LONG_MS : SHORT_MS, end.signal);
      continue;
    }
    const parsed = parseReply(text);
    if (parsed !== null && parsed.data > 0) return {pid: parsed.data};
    const said = readFailure(runtimeLog) ?? parsed?.message?.trim();
    return {failure: said || readPipe(reader).trim() || 'conmon ended without a word'};
  }
}

function readStart(fd: number, bytes: number): string {
  const buffer = Buffer.alloc(bytes);
  return buffer.toString('utf8', 0, readSync(fd, buffer, 0, bytes, 0));
}

function readPipe(fd: number): string {
  const buffer = Buffer.alloc(REPLY_LIMIT_BYTES);
  try {
    return buffer.toString('utf8', 0, readSync(fd, buffer));
  } catch (error) {
    // It has said nothing, and has not ended.
    if (isSystemError(error) && error.code === 'EAGAIN') return '';
    throw error;
  }
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
