import {setTimeout as sleep} from 'node:timers/promises';
import {formatRuntimeSpec} from '../../bundle/create-bundle.ts';
import type {ExecOptions} from '../../bundle/exec-process.ts';
import type {CallOptions} from '../../events.ts';
import {planJoining} from '../../host/plan-user-namespace.ts';
import type {TerminalSize} from '../../host/terminal-size.ts';
import type {StreamedProcess} from '../../runtime/runtime.ts';
import type {ContainerContext} from '../context.ts';
import {startError} from '../exit-errors.ts';
import {recordContainerEvents} from '../record-events.ts';
import {describeExec} from './describe-exec.ts';
import {type LiveContainer, requireLive, requireUnpaused} from './find-live.ts';
import type {LogPiece} from './log-records.ts';
import {letFlow, mergeStreams} from './merge-streams.ts';
import {type ExecEntry, type ExecFiles, writeExecFiles} from './start-exec.ts';
import {type StreamedExec, startStreamedExec} from './start-streamed-exec.ts';

export interface ExecSessionRequest extends ExecOptions {
  /** How it is called in events: 64 hexadecimal digits, never used before; absent: any. */
  readonly id?: string | undefined;
  /** Whether standard input can be written to; without it the command reads end-of-file. */
  readonly interactive?: boolean | undefined;
  /** Whether what it prints is for nobody. */
  readonly silent?: boolean | undefined;
  /** Of its terminal, if it is to have one; absent: nobody has said. */
  readonly terminalSize?: TerminalSize | undefined;
}

/**
 * A further command in a running container, with its standard streams. Leaving it does not end it: it goes on without
 * input, and what it prints is lost. As long as it is not left, this process does not end by itself. An abort of the
 * caller's signal leaves it as well.
 */
export interface ExecSession extends AsyncDisposable {
  readonly id: string;
  readonly hasTerminal: boolean;
  /** What it prints, with a terminal all as one stream; to be read once. Unread, it keeps the command waiting. */
  output(): AsyncGenerator<LogPiece>;
  /** Resolves when it is on its way, in the order of the calls. @returns false: nobody reads it */
  write(bytes: Uint8Array): Promise<boolean>;
  /** Says that no more will come; what has a terminal does not notice. */
  endInput(): Promise<void>;
  /** Tells its terminal its size. */
  resize(size: TerminalSize): void;
  /** Its process, as this machine counts; null: it has not begun, or has ended. */
  readPid(): number | null;
  /** Waits until the command runs, or has run. Rejects as `ended` does. */
  waitUntilStarted(): Promise<void>;
  /**
   * Its exit code, 128+n when signal n ended it. Rejects when it could not be started: `COMMAND_NOT_FOUND` |
   * `COMMAND_NOT_EXECUTABLE` | `CONTAINER_STOPPED` | `CONTAINER_PAUSED` | `RUNTIME_FAILED`
   */
  readonly ended: Promise<number>;
}

const POLL_MS = 5;

/**
 * Starts a further command in a running container, and connects its streams to the caller.
 *
 * @throws {WinchError} `CONTAINER_UNKNOWN` | `CONTAINER_AMBIGUOUS` | `CONTAINER_STOPPED` | `CONTAINER_PAUSED` |
 * `USER_NAMESPACE_DENIED` | `COMMAND_NOT_FOUND` | `COMMAND_NOT_EXECUTABLE` | `USER_UNKNOWN` | `USER_INVALID` |
 * `ENVIRONMENT_INVALID` | `WORKING_DIRECTORY_INVALID`
 */
export async function openExec(
  context: ContainerContext,
  text: string,
  request: ExecSessionRequest,
  {signal, asUser}: CallOptions & ExecEntry,
): Promise<ExecSession> {
  const container = await requireLive(context, text);
  requireUnpaused(container);
  const {id, interactive: input = false, silent = false, ...asked} = request;
  const {terminalSize: size = null} = asked;
  const options = {...asked, terminalSize: size};
  const process = asUser
    ? await asUser.describe(container.id, options, container.pid)
    : formatRuntimeSpec(describeExec(container, options));
  signal?.throwIfAborted();
  const files = writeExecFiles(context, {process, id});
  try {
    const within = asUser ? planJoining(container.pid) : [];
    const terminal = request.terminal ? {size} : undefined;
    const started = startStreamedExec(container, {files, within, input, output: !silent, terminal});
    const session = createSession(context, {...started, container, files, command: request.command});
    signal?.addEventListener('abort', () => void session[Symbol.asyncDispose](), {once: true});
    return session;
  } catch (error) {
    files.remove();
    throw error;
  }
}

interface Session extends StreamedExec {
  readonly container: LiveContainer;
  readonly files: ExecFiles;
  readonly command: readonly string[];
}

function createSession(context: ContainerContext, session: Session): ExecSession {
  const {process, terminal, files} = session;
  const streams = terminal ? {stdout: terminal.screen} : process;
  const leaving = new AbortController();
  const output = mergeStreams(streams, leaving.signal);
  const ended = waitForEnd(context, session);
  // Whoever wants to know waits for it.
  ended.catch(() => {});
  recordBegin(context, session);
  return {
    ...{id: files.id, hasTerminal: terminal !== null, ended},
    output: () => output,
    write: (bytes) => {
      if (terminal) return terminal.write(bytes);
      const {stdin} = process;
      return new Promise((resolve) => (stdin ? stdin.write(bytes, (error) => resolve(!error)) : resolve(false)));
    },
    endInput: () => new Promise((resolve) => (process.stdin ? process.stdin.end(() => resolve()) : resolve())),
    resize: (size) => {
      terminal?.resize(size);
      process.forward('SIGWINCH');
    },
    readPid: () => process.readPid(),
    waitUntilStarted: () => waitForStart(process, ended),
    [Symbol.asyncDispose]: async () => {
      process.stdin?.end();
      leaving.abort();
      letFlow(streams);
      process.unref();
    },
  };
}

async function waitForStart(process: StreamedProcess, ended: Promise<number>): Promise<void> {
  let isOver = false;
  const over = ended.finally(() => {
    isOver = true;
  });
  over.catch(() => {});
  while (!isOver && process.readPid() === null) await sleep(POLL_MS, undefined, {ref: false});
  if (isOver) await over;
}

function recordBegin(context: ContainerContext, {container, files: {id: execID}, command}: Session): void {
  const begun = ['exec_create', 'exec_start'].map((action) => `${action}: ${command.join(' ')}`);
  const events = begun.map((action) => ({action, attributes: {execID}}));
  recordContainerEvents(context, container, events);
}

async function waitForEnd(context: ContainerContext, {container, process, files}: Session): Promise<number> {
  try {
    const {exitCode, failure} = await process.exited;
    const attributes = {execID: files.id, exitCode: String(exitCode)};
    recordContainerEvents(context, container, [{action: 'exec_die', attributes}]);
    if (failure === null) return exitCode;
    // It may have ended, or have been paused, since it was looked for; then that is why.
    requireUnpaused(await requireLive(context, container.id));
    throw startError(container.runtime.path, failure);
  } finally {
    files.remove();
  }
}
