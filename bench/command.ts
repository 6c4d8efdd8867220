import {execFile, spawn} from 'node:child_process';
import {once} from 'node:events';
import {setTimeout as delay} from 'node:timers/promises';

/** A program and its arguments, without a shell between. */
export type Words = readonly string[];

export interface TimedOptions {
  readonly signal?: AbortSignal | undefined;
  /** Hears the process id as soon as there is one. */
  readonly onSpawn?: (pid: number) => void;
}

const MESSAGE_BYTES = 300;
const OUTPUT_BYTES = 1024 * 1024;
const LAST_WORDS_MS = 500;

/** A command that could not start or did not end with 0. */
export class CommandFailure extends Error {}

/** A command whose program is not there. */
export class NotInstalled extends CommandFailure {
  constructor() {
    super('not installed');
  }
}

/** What a peer needs to hear wherever it runs; the others do not listen. */
const environment = () => ({...process.env, PODMAN_IGNORE_CGROUPSV1_WARNING: '1', LC_ALL: 'C'});

/**
 * Runs a command from spawn to exit, its standard output thrown away.
 *
 * @returns wall-clock milliseconds
 * @throws {CommandFailure} with the end of what it wrote to standard error
 */
export async function timeCommand(words: Words, {signal, onSpawn}: TimedOptions = {}): Promise<number> {
  const [file = '', ...args] = words;
  const start = performance.now();
  const child = spawn(file, args, {stdio: ['ignore', 'ignore', 'pipe'], env: environment(), ...(signal && {signal})});
  let lastWords = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    lastWords = (lastWords + text).slice(-MESSAGE_BYTES);
  });
  if (child.pid !== undefined) onSpawn?.(child.pid);
  const [code, killedBy] = await exitOf(child);
  const milliseconds = performance.now() - start;
  if (code !== 0) await Promise.race([once(child, 'close'), delay(LAST_WORDS_MS, undefined, {ref: false})]);
  child.stderr.destroy();
  if (code === 0) return milliseconds;
  throw new CommandFailure(`${words.join(' ')}: ${killedBy ?? `exit ${code}`}: ${oneLine(lastWords)}`);
}

/**
 * What a command writes, both streams as one text.
 *
 * @throws {CommandFailure}
 */
export async function readOutput(words: Words, signal?: AbortSignal): Promise<string> {
  const [file = '', ...args] = words;
  const options = {env: environment(), maxBuffer: OUTPUT_BYTES, ...(signal && {signal})};
  const {promise, resolve, reject} = Promise.withResolvers<string>();
  execFile(file, args, options, (error, stdout, stderr) => {
    if (error === null) resolve(stdout + stderr);
    else reject(failureOf(error, stderr));
  });
  return promise;
}

/**
 * Runs a command whose whole output a person should see, on standard error.
 *
 * @throws {CommandFailure}
 */
export async function showCommand(words: Words, signal?: AbortSignal): Promise<void> {
  const [file = '', ...args] = words;
  const [code, killedBy] = await exitOf(spawn(file, args, {stdio: ['ignore', 2, 2], ...(signal && {signal})}));
  if (code !== 0) throw new CommandFailure(`${words.join(' ')}: ${killedBy ?? `exit ${code}`}`);
}

async function exitOf(child: ReturnType<typeof spawn>): Promise<[number | null, string | null]> {
  try {
    return (await once(child, 'exit')) as [number | null, string | null];
  } catch (error) {
    throw isMissing(error) ? new NotInstalled() : error;
  }
}

function failureOf(error: Error & {code?: unknown}, stderr: string): Error {
  if (error.name === 'AbortError') return error;
  if (isMissing(error)) return new NotInstalled();
  return new CommandFailure(oneLine(stderr.slice(-MESSAGE_BYTES)) || `exit ${error.code}`);
}

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

const oneLine = (text: string): string => text.trim().replace(/\s+/g, ' ');
