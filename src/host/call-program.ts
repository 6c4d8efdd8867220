import {closeSync, fstatSync, readlinkSync, readSync} from 'node:fs';
import {
  type CommandResult,
  commandTimeout,
  DEFAULT_TIMEOUT_MS,
  exitCodeOf,
  OUTPUT_LIMIT_BYTES,
  runCommand,
} from './run-command.ts';
import {openMemoryFile} from './spawn-calls.ts';
import {startProgram} from './start-program.ts';

export interface CallOptions {
  /** All of the environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Milliseconds; absent: a minute. */
  readonly timeoutMs?: number;
}

/**
 * Runs a program to its end as `runCommand` does, without what that loads and copies first (8 ms): for programs that say
 * little, since all that they print is kept until they have ended.
 *
 * @param path Absolute.
 * @throws {WinchError} `COMMAND_TIMEOUT`; a Node system error (`ENOENT`) when it cannot be started.
 */
export async function callProgram(
  path: string,
  words: readonly string[],
  {environment, timeoutMs = DEFAULT_TIMEOUT_MS}: CallOptions,
): Promise<CommandResult> {
  // A thread that hears no SIGCHLD would look for the end now and then.
  if (!isMainThread()) return await runCommand(path, words, {environment, timeoutMs});
  using output = openPrinted();
  using complaints = openPrinted();
  const program = startProgram({
    ...{path, words, environment, hasOwnSession: false},
    streams: ['ignore', output.fd, complaints.fd],
  });
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    program.kill('SIGKILL');
  }, timeoutMs);
  const {exitCode, signal} = await program.ended();
  clearTimeout(timer);
  if (isLate) throw commandTimeout(path, timeoutMs);
  return {
    exitCode: exitCodeOf(exitCode, signal),
    stdout: output.text(),
    stderr: complaints.text(),
  };
}

/** Of a process, the first thread has its number (proc(5)); `node:worker_threads` takes 4 ms to load. */
function isMainThread(): boolean {
  const [pid, , tid] = readlinkSync('/proc/thread-self').split('/');
  return pid === tid;
}

interface Printed extends Disposable {
  readonly fd: number;
  /** All of it that may be read. */
  text(): string;
}

/** Not a pipe: nobody need read while the program runs, and whom it has started holds nothing up. */
function openPrinted(): Printed {
  const fd = openMemoryFile('printed');
  return {
    fd,
    text: () => {
      const bytes = Buffer.alloc(Math.min(fstatSync(fd).size, OUTPUT_LIMIT_BYTES));
      return bytes.toString('utf8', 0, readSync(fd, bytes, 0, bytes.length, 0));
    },
    [Symbol.dispose]: () => closeSync(fd),
  };
}
