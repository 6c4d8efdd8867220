import {fork} from 'node:child_process';
import type {Readable, Writable} from 'node:stream';
import {SYSTEM_PATH} from './system-programs.ts';

/** A Node process of its own for work that changes its process, with piped standard streams and a message channel. */
export interface WorkerProcess {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  send(message: unknown): void;
  onMessage(listener: (message: unknown) => void): void;
  onExit(listener: (code: number | null) => void): void;
  /** When no message comes any more. */
  onDisconnect(listener: () => void): void;
  onError(listener: (error: Error) => void): void;
  kill(signal: NodeJS.Signals): void;
}

export interface WorkerProcessOptions {
  /** Descriptors of this process, which become those from 4 on. */
  readonly streams?: readonly number[];
  /** In a session of its own it gets no signal from the terminal. */
  readonly hasOwnSession?: boolean;
}

/**
 * @param entry A module of this package.
 * @param within Words in front of Node's: a program that becomes what follows them.
 */
export function startWorkerProcess(
  entry: URL,
  within: readonly string[] = [],
  {streams = [], hasOwnSession = false}: WorkerProcessOptions = {},
): WorkerProcess {
  // Such a program looks for others itself (newuidmap), wherever the caller's PATH leads.
  const wrapping = within.length === 0 ? [] : ['/usr/bin/env', `PATH=${SYSTEM_PATH}`, ...within];
  const [execPath = '', ...execArgv] = [...wrapping, process.execPath, ...process.execArgv];
  const child = fork(entry, [], {
    execPath,
    execArgv,
    stdio: ['pipe', 'pipe', 'pipe', 'ipc', ...streams],
    serialization: 'advanced',
    detached: hasOwnSession,
  });
  const {stdin, stdout, stderr} = child;
  if (!stdin || !stdout || !stderr) throw new Error('standard streams were asked for as pipes');
  return {
    stdin,
    stdout,
    stderr,
    send: (message) => void child.send(message as object),
    onMessage: (listener) => void child.on('message', listener),
    onExit: (listener) => void child.on('exit', listener),
    onDisconnect: (listener) => void (child.connected ? child.once('disconnect', listener) : listener()),
    onError: (listener) => void child.on('error', listener),
    kill: (signal) => void child.kill(signal),
  };
}
