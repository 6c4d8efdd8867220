import {constants as osConstants} from 'node:os';
import {loadSpawnCalls, type SpawnCalls} from './spawn-calls.ts';
import {systemError} from './system-error.ts';

export interface ProgramRequest {
  /** Absolute path of the binary. */
  readonly path: string;
  /** Without the program's own name. */
  readonly words: readonly string[];
  /** All of the environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** What becomes descriptor 0, 1 …: one of this process's descriptors, or nothing to read and nowhere to write. */
  readonly streams: readonly (number | 'ignore')[];
  /** In a session of its own it gets no signal from the terminal. */
  readonly hasOwnSession: boolean;
}

export interface ProgramExit {
  /** Null when a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface StartedProgram {
  readonly pid: number;
  /** Settles when it has ended; until then this process stays alive. */
  ended(): Promise<ProgramExit>;
  /** As `ended`, but waits no longer than this. */
  endedWithin(milliseconds: number): Promise<void>;
  hasEnded(): boolean;
  /** Leaves nothing of it when it has ended, and does not keep this process alive until then. @param onEnd Called then. */
  release(onEnd: () => void): void;
  /** Does nothing once it has ended. */
  kill(signal: NodeJS.Signals | number): void;
}

const ACTIONS_BYTES = 256;
const ATTRIBUTES_BYTES = 1024;
/** sigset_t of 1024 signals. */
const SIGNALS_BYTES = 128;
const POSIX_SPAWN_SETSIGDEF = 0x04;
const POSIX_SPAWN_SETSIGMASK = 0x08;
const POSIX_SPAWN_SETSID = 0x80;
const O_RDWR = 2;
const O_NONBLOCK = 0o4000;
const F_GETFL = 3;
const F_SETFL = 4;
const LAST_STANDARD_STREAM = 2;
const WNOHANG = 1;
const SIGNAL_BITS = 0x7f;
/** A worker thread hears no SIGCHLD. */
const LOOK_MS = 250;
/** Where nobody waits: what has ended and was not looked at takes a number and little else. */
const RARE_LOOK_MS = 30_000;

/**
 * Starts a program in the namespaces of the calling thread and in `/`, with no signal blocked or ignored.
 *
 * By posix_spawn(3), which takes 0.3 ms: Node's own function copies the page tables of this process first (1 to 3 ms) and
 * loads what sockets need (2 to 3 ms).
 *
 * @throws a Node-style system error (`ENOENT`, `EACCES` …)
 */
export function startProgram(request: ProgramRequest): StartedProgram {
  const calls = loadSpawnCalls();
  const pid = spawn(calls, request);
  let exit: ProgramExit | null = null;
  const look = () => {
    exit ??= findExit(calls, pid);
    return exit;
  };
  return {
    pid,
    ended: () => new Promise((resolve) => waitUntil(look, resolve)),
    endedWithin: (milliseconds) =>
      new Promise((resolve) => {
        const stopWaiting = waitUntil(look, () => {
          clearTimeout(timer);
          resolve();
        });
        const timer = setTimeout(() => {
          stopWaiting();
          resolve();
        }, milliseconds);
      }),
    hasEnded: () => look() !== null,
    release: (onEnd) => void waitUntil(look, onEnd, {isHeld: false}),
    // A process that was not looked at yet keeps its number.
    kill: (signal) => void (look() ?? process.kill(pid, signal)),
  };
}

/** @returns what ends the waiting. */
function waitUntil(
  look: () => ProgramExit | null,
  onEnd: (exit: ProgramExit) => void,
  {isHeld = true}: {readonly isHeld?: boolean} = {},
): () => void {
  let isWaiting = true;
  const stop = () => {
    if (!isWaiting) return;
    isWaiting = false;
    process.off('SIGCHLD', settle);
    changeMostListeners(-1);
    clearInterval(timer);
  };
  const settle = () => {
    const exit = isWaiting ? look() : null;
    if (exit === null) return;
    stop();
    onEnd(exit);
  };
  changeMostListeners(1);
  process.on('SIGCHLD', settle);
  const timer = setInterval(settle, isHeld ? LOOK_MS : RARE_LOOK_MS);
  if (!isHeld) timer.unref();
  // It may have ended before anybody listened.
  setImmediate(settle);
  return stop;
}

/** Node warns of more listeners than ten, and as many programs may run. */
function changeMostListeners(change: 1 | -1): void {
  const most = process.getMaxListeners();
  // No limit at all.
  if (most > 0) process.setMaxListeners(most + change);
}

function spawn(calls: SpawnCalls, {path, words, environment, streams, hasOwnSession}: ProgramRequest): number {
  const actions = Buffer.alloc(ACTIONS_BYTES);
  const attributes = Buffer.alloc(ATTRIBUTES_BYTES);
  const pid = Buffer.alloc(4);
  check(calls.initActions(actions), path);
  check(calls.initAttributes(attributes), path);
  try {
    check(calls.changeDirectory(actions, '/'), path);
    for (const [target, stream] of streams.entries()) check(addStream(calls, actions, {target, stream}), path);
    const session = hasOwnSession ? POSIX_SPAWN_SETSID : 0;
    check(calls.setFlags(attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | session), path);
    check(calls.setDefaultSignals(attributes, Buffer.alloc(SIGNALS_BYTES, 0xff)), path);
    check(calls.setSignalMask(attributes, Buffer.alloc(SIGNALS_BYTES)), path);
    const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
    const [list, all] = [endedList([path, ...words]), endedList(variables)];
    check(calls.spawn(pid, path, actions, attributes, list, all), path);
  } finally {
    calls.freeAttributes(attributes);
    calls.freeActions(actions);
  }
  return pid.readInt32LE(0);
}

/** What C takes for the end of a word, or of the words, would silently take the rest away. */
function endedList(words: readonly string[]): readonly (string | null)[] {
  for (const word of words) {
    if (typeof word !== 'string' || word.includes('\0'))
      throw new TypeError('a word of a program has a NUL, or is none');
  }
  return [...words, null];
}

interface Stream {
  readonly target: number;
  readonly stream: number | 'ignore';
}

function addStream(calls: SpawnCalls, actions: Buffer, {target, stream}: Stream): number {
  if (stream === 'ignore') return calls.addOpen(actions, target, '/dev/null', O_RDWR, 0);
  // A lower one may have been replaced by the time it is copied.
  if (stream < target) throw new RangeError(`descriptor ${stream} cannot become ${target}`);
  if (stream <= LAST_STANDARD_STREAM) makeBlocking(calls, stream);
  return calls.addDuplicate(actions, stream, target);
}

/** Few programs expect of what they inherit that it makes nobody wait, as Node lets pipes be. */
function makeBlocking({fcntl}: SpawnCalls, fd: number): void {
  const flags = fcntl(fd, F_GETFL, 0);
  if (flags !== -1 && (flags & O_NONBLOCK) !== 0) fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
}

/** posix_spawn(3) and its like return what went wrong. */
function check(errno: number, path: string): void {
  if (errno !== 0) throw systemError(errno, 'spawn', path);
}

/** Null: it goes on. */
function findExit({wait}: SpawnCalls, pid: number): ProgramExit | null {
  const status = Buffer.alloc(4);
  return wait(pid, status, WNOHANG, null) === 0 ? null : readStatus(status.readInt32LE(0));
}

/** wait(2): the low seven bits are the signal's. */
function readStatus(status: number): ProgramExit {
  const signal = status & SIGNAL_BITS;
  if (signal === 0) return {exitCode: (status >> 8) & 0xff, signal: null};
  return {exitCode: null, signal: nameOf(signal)};
}

const nameOf = (signal: number): NodeJS.Signals | null =>
  (Object.entries(osConstants.signals).find(([, number]) => number === signal)?.[0] as NodeJS.Signals) ?? null;
