import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import type {Readable, Writable} from 'node:stream';
import {fileURLToPath} from 'node:url';
import {missingRoot} from './requires.ts';
import {noteStarted} from './started-processes.ts';
import {makeTemporaryDirectory} from './temporary-directory.ts';

/** The built command; `npm test` builds it first. */
export const WINCH = fileURLToPath(new URL('../../bin/winch.js', import.meta.url));

/** What the machine of a developer may have set. */
const NO_PROXIES = {HTTP_PROXY: '', http_proxy: '', HTTPS_PROXY: '', https_proxy: ''};

export interface WinchExit {
  /** Null when a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Standard output byte for byte. */
  readonly output: Buffer;
}

export interface WinchCall {
  readonly env?: Readonly<Record<string, string>>;
  /** Standard input; at its end at once when absent, left open when null. */
  readonly input?: string | Buffer | null;
  /** Words in front of the command line: a program that runs it. */
  readonly within?: readonly string[];
}

/** One running command. */
export interface WinchProcess {
  readonly child: ChildProcess;
  readonly stdin: Writable;
  /** What it has written so far. */
  readStdout(): string;
  readStderr(): string;
  readonly exited: Promise<WinchExit>;
}

/** The command as a user has it, with a store, a cache and a login file of its own. */
export interface Winch extends Disposable {
  /** For the test's own files; goes with the store. */
  readonly directory: string;
  readonly root: string;
  /** Where containers run; that of all stores for root. */
  readonly runtimeDirectory: string;
  /** Of docker's `config.json`. */
  readonly dockerDirectory: string;
  /** Runs one command line to its end. */
  run(words: readonly string[], call?: WinchCall): Promise<WinchExit>;
  start(words: readonly string[], call?: WinchCall): WinchProcess;
  /** As `start`, a line of shell in which `winch` is the command. */
  startShell(line: string, call?: WinchCall): WinchProcess;
}

export function makeWinch(): Winch {
  const {path: directory, [Symbol.dispose]: dispose} = makeTemporaryDirectory();
  const [root, dockerDirectory] = [join(directory, 'store'), join(directory, 'docker')];
  mkdirSync(dockerDirectory);
  mkdirSync(join(directory, 'runtime'), {mode: 0o700});
  const runtimeDirectory = missingRoot() === undefined ? '/run/winch' : join(directory, 'runtime', 'winch');
  const bin = join(directory, 'bin');
  const variables = {
    WINCH_ROOT: root,
    DOCKER_CONFIG: dockerDirectory,
    XDG_CACHE_HOME: join(directory, 'cache'),
    CONTAINERS_REGISTRIES_CONF: join(directory, 'registries.conf'),
    WINCH_CERTS_DIRS: join(directory, 'certs.d'),
    ...NO_PROXIES,
    XDG_CONFIG_HOME: join(directory, 'config'),
    XDG_RUNTIME_DIR: join(directory, 'runtime'),
    PATH: `${bin}:${process.env.PATH}`,
  };
  writeLauncher(bin);
  const startProgram = (words: readonly string[], {env = {}, input, within = []}: WinchCall = {}): WinchProcess => {
    const [program = '', ...rest] = [...within, ...words];
    const child = spawn(program, rest, {stdio: 'pipe', env: {...inheritedVariables(), ...variables, ...env}});
    noteStarted(child);
    const {stdin, stdout, stderr} = child;
    stdin.on('error', () => {});
    if (input !== null) stdin.end(input);
    const [readOutput, readErrors] = [collect(stdout), collect(stderr)];
    const readStderr = () => readErrors().toString();
    const readStdout = () => readOutput().toString();
    return {child, stdin, readStdout, readStderr, exited: waitForExit(child, readOutput, readStderr)};
  };
  const start: Winch['start'] = (words, call) => startProgram([process.execPath, WINCH, ...words], call);
  const startShell: Winch['startShell'] = (line, call) => startProgram(['sh', '-c', line], call);
  const run = (words: readonly string[], call?: WinchCall) => start(words, call).exited;
  return {directory, root, runtimeDirectory, dockerDirectory, run, start, startShell, [Symbol.dispose]: dispose};
}

/** Without those that change what winch prints and which logins it finds. */
function inheritedVariables(): NodeJS.ProcessEnv {
  const {CI: _, NO_COLOR: __, REGISTRY_AUTH_FILE: ___, DOCKER_AUTH_CONFIG: ____, ...inherited} = process.env;
  return inherited;
}

/** An executable `winch` in a directory of its own. */
function writeLauncher(directory: string): void {
  mkdirSync(directory);
  const quoted = [process.execPath, WINCH].map((path) => `'${path}'`).join(' ');
  writeFileSync(join(directory, 'winch'), `#!/bin/sh\nexec ${quoted} "$@"\n`, {mode: 0o755});
}

function collect(stream: Readable): () => Buffer {
  const pieces: Buffer[] = [];
  stream.on('data', (piece: Buffer) => pieces.push(piece));
  return () => Buffer.concat(pieces);
}

async function waitForExit(
  child: ChildProcess,
  readOutput: () => Buffer,
  readStderr: () => string,
): Promise<WinchExit> {
  await once(child, 'close');
  const {exitCode, signalCode: signal} = child;
  const output = readOutput();
  return {exitCode, signal, stdout: output.toString(), stderr: readStderr(), output};
}
