import {accessSync, closeSync, constants, mkdirSync, openSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {DatabaseSync} from 'node:sqlite';
import {setTimeout as sleep} from 'node:timers/promises';
import {WinchError} from '../errors.ts';
import type {ProcessFacts} from '../events.ts';
import {longPathError} from './database-path.ts';
import {describeHolder, findLockHolder, SHARED_BYTE} from './find-lock-holder.ts';
import {monotonicMs} from './monotonic-ms.ts';
import {randomHex} from './random-hex.ts';

export type LockMode = 'shared' | 'exclusive';

export interface Lock extends Disposable {
  release(): void;
}

export interface AcquireOptions {
  readonly mode: LockMode;
  readonly signal?: AbortSignal | undefined;
  /** Called once when somebody else holds the lock; null when it is not known who, or this process itself does. */
  readonly onWait?: (holder: ProcessFacts | null) => void;
  /** Milliseconds; absent: waits as long as the holder lives. */
  readonly timeoutMs?: number;
  /** How far the holder is, as far as that can be seen; a holder that gets on is waited for beyond the limit. */
  readonly readProgress?: () => number;
}

/** Named locks between processes (and between callers of one process) in one directory. */
export interface LockDirectory {
  /** @throws {WinchError} `LOCK_TIMEOUT` | `STORE_PATH`; a Node system error when the directory cannot be written. */
  acquire(name: string, options: AcquireOptions): Promise<Lock>;
  /** Null when somebody else holds it in a conflicting mode. */
  tryAcquire(name: string, mode: LockMode): Lock | null;
  /** Another process that holds it right now, for messages. */
  findHolder(name: string): ProcessFacts | null;
}

const FIRST_POLL_MS = 2;
const LONGEST_POLL_MS = 100;
const LONGEST_TIMER_MS = 2 ** 31 - 1;
const SQLITE_BUSY = 5;
const SQLITE_CANTOPEN = 14;

/**
 * Opens a directory of locks.
 *
 * Each lock is an SQLite database without content, held by a transaction: the kernel drops it when its process dies,
 * so nothing goes stale and no clock is asked. The files are never opened by anything else, since closing any other
 * descriptor of them would drop the lock (https://sqlite.org/howtocorrupt.html §2.2).
 */
export function openLockDirectory(directory: string): LockDirectory {
  const tryAcquire = (name: string, mode: LockMode): Lock | null => {
    mkdirSync(directory, {recursive: true, mode: 0o700});
    // SQLite opens what it may not write for reading, where BEGIN EXCLUSIVE succeeds and excludes nobody.
    accessSync(directory, constants.W_OK);
    return tryLock(join(directory, `${name}.lock`), mode);
  };
  const findHolder = (name: string) => findLockHolder({path: join(directory, `${name}.lock`), offset: SHARED_BYTE});
  return {
    tryAcquire,
    findHolder,
    acquire: (name, options) => {
      const wanted = {name, attempt: () => tryAcquire(name, options.mode), findHolder: () => findHolder(name)};
      return pollUntilFree(wanted, options);
    },
  };
}

interface WantedLock {
  readonly name: string;
  attempt(): Lock | null;
  findHolder(): ProcessFacts | null;
}

async function pollUntilFree({name, attempt, findHolder}: WantedLock, options: AcquireOptions): Promise<Lock> {
  const {signal, onWait, timeoutMs = Number.POSITIVE_INFINITY, readProgress} = options;
  signal?.throwIfAborted();
  const first = attempt();
  if (first) return first;
  onWait?.(findHolder());
  let [progress, deadline] = [readProgress?.(), monotonicMs() + timeoutMs];
  for (let pause = FIRST_POLL_MS; ; pause = Math.min(pause * 2, LONGEST_POLL_MS)) {
    await sleep(pause);
    signal?.throwIfAborted();
    const lock = attempt();
    if (lock) return lock;
    if (monotonicMs() <= deadline) continue;
    const before = progress;
    [progress, deadline] = [readProgress?.(), monotonicMs() + timeoutMs];
    if (progress === before) throw lockTimeout(name, findHolder());
  }
}

function lockTimeout(name: string, holder: ProcessFacts | null): WinchError {
  const who = holder ? describeHolder(holder) : 'another process';
  return new WinchError('LOCK_TIMEOUT', `${who} has held the lock ${name} for too long`, {
    kind: 'storage',
    hint: 'wait for it to finish, or end it',
    ...(holder && {details: {pid: holder.pid}}),
  });
}

function tryLock(path: string, mode: LockMode): Lock | null {
  const database = openDatabase(path);
  try {
    // Nothing is written, so no journal need be made on disk, where it would outlive a killed process.
    database.exec('PRAGMA journal_mode = MEMORY');
    database.exec(mode === 'exclusive' ? 'BEGIN EXCLUSIVE' : 'BEGIN; SELECT count(*) FROM sqlite_master');
  } catch (error) {
    database.close();
    if (hasSqliteCode(error, SQLITE_BUSY)) return null;
    throw error;
  }
  const anchor = keepReachable(database);
  let isHeld = true;
  const release = () => {
    if (!isHeld) return;
    isHeld = false;
    clearInterval(anchor);
    database.close();
  };
  return {release, [Symbol.dispose]: release};
}

/** A collected database is closed, and its lock gone, though nobody released it; a timer's arguments are never collected. */
function keepReachable(database: DatabaseSync): NodeJS.Timeout {
  return setInterval((_kept: DatabaseSync) => {}, LONGEST_TIMER_MS, database).unref();
}

function openDatabase(path: string): DatabaseSync {
  try {
    return new DatabaseSync(path, {timeout: 0});
  } catch (error) {
    if (!hasSqliteCode(error, SQLITE_CANTOPEN)) throw error;
    createProbe(`${path}.${randomHex(6)}`);
    throw longPathError(path) ?? error;
  }
}

/** SQLite does not say why it cannot create a file (ENOSPC, EMFILE); creating one beside it does. */
function createProbe(path: string): void {
  closeSync(openSync(path, 'wx', 0o600));
  rmSync(path);
}

const hasSqliteCode = (error: unknown, code: number): boolean =>
  error instanceof Error && 'errcode' in error && error.errcode === code;
