import {spawn} from 'node:child_process';
import {constants} from 'node:os';
import {WinchError} from '../errors.ts';

export interface CommandOptions {
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory?: string;
  readonly timeoutMs?: number;
  /** What it reads from standard input; absent: end-of-file at once. */
  readonly input?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface CommandResult {
  /** 128+n when signal n ended it. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export const OUTPUT_LIMIT_BYTES = 1024 * 1024;
export const DEFAULT_TIMEOUT_MS = 60_000;
const SIGNAL_EXIT_BASE = 128;

/**
 * Runs a program to its end without a shell and with nothing inherited but what is given; output beyond 1 MiB is cut.
 *
 * @throws {WinchError} `COMMAND_TIMEOUT`; a Node system error (`ENOENT`) when it cannot be started.
 */
export function runCommand(file: string, args: readonly string[], options: CommandOptions): Promise<CommandResult> {
  const {signal, timeoutMs = DEFAULT_TIMEOUT_MS} = options;
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const child = start(file, args, options);
    const stdout = collect(child.stdout);
    const stderr = collect(child.stderr);
    const abort = () => {
      child.kill('SIGKILL');
      // A grandchild may hold the other ends for as long as it lives.
      child.stdout.destroy();
      child.stderr.destroy();
    };
    signal?.addEventListener('abort', abort, {once: true});
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      abort();
    }, timeoutMs);
    const settle = (finish: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      finish();
    };
    child.on('error', (error) => settle(() => reject(error)));
    child.on('close', (code, ended) =>
      settle(() => {
        if (signal?.aborted) reject(signal.reason);
        else if (isLate) reject(commandTimeout(file, timeoutMs));
        else
          resolve({
            exitCode: exitCodeOf(code, ended),
            stdout: stdout(),
            stderr: stderr(),
          });
      }),
    );
  });
}

function start(file: string, args: readonly string[], {environment, workingDirectory, input}: CommandOptions) {
  const child = spawn(file, args, {env: environment, cwd: workingDirectory, stdio: 'pipe'});
  // A program that ends before it has read all is judged by its exit code.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  return child;
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream.on('data', (chunk: Buffer) => {
    if (bytes < OUTPUT_LIMIT_BYTES) chunks.push(chunk);
    bytes += chunk.length;
  });
  return () => Buffer.concat(chunks).subarray(0, OUTPUT_LIMIT_BYTES).toString('utf8');
}

/** What is thrown for a program that was ended for taking this long. */
export const commandTimeout = (file: string, milliseconds: number): WinchError =>
  new WinchError('COMMAND_TIMEOUT', `${file} did not finish within ${milliseconds / 1000} s`, {kind: 'runtime'});

/** @param signal What ended it, where it has no code of its own. */
export const exitCodeOf = (code: number | null, signal: NodeJS.Signals | null): number =>
  code ?? SIGNAL_EXIT_BASE + constants.signals[signal ?? 'SIGKILL'];
