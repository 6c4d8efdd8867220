import * as assert from 'node:assert/strict';
import {existsSync, readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {buildImage} from '../../fixtures/build-image.ts';
import {buildTar} from '../../fixtures/build-tar.ts';
import {busyboxImage} from '../../fixtures/busybox-image.ts';
import {type RegistryServer, startRegistry} from '../../fixtures/registry-server.ts';
import {findStoreProblems} from './store-problems.ts';
import {waitFor} from './wait-for.ts';
import {makeWinch, type Winch, type WinchExit} from './winch.ts';

/** In this order each command finds what it needs and leaves what the next one needs. */
export const CRASH_COMMANDS = ['pull', 'run', 'copy', 'load', 'tag', 'rmi', 'untag', 'prune'] as const;
export type CrashCommand = (typeof CRASH_COMMANDS)[number];

/** System calls that change what is on the disk. */
export const DISK_CALLS = [
  ...['rename', 'fsync', 'fdatasync', 'unlink', 'rmdir', 'mkdir', 'ftruncate', 'pwrite64', 'pwritev'],
] as const;
export type DiskCall = (typeof DISK_CALLS)[number];

/** When a command is killed: some time after its start, or as the k-th such call of one of its threads begins. */
export type Blow = {readonly afterMs: number} | {readonly call: DiskCall; readonly count: number};

/** One store on which commands are killed, with a registry beside it. */
export interface CrashRig extends AsyncDisposable {
  readonly winch: Winch;
  readonly registry: RegistryServer;
  /** Brings the store into the state in which the command has most to do. */
  prepare(command: CrashCommand): Promise<void>;
  /** Runs a command undisturbed. @returns milliseconds */
  time(command: CrashCommand): Promise<number>;
  /** How often one thread makes each call while the command runs undisturbed, at most. */
  countCalls(command: CrashCommand): Promise<Readonly<Record<DiskCall, number>>>;
  /**
   * Kills a command with everything it has started, repeats it, and asserts that the repetition succeeds, that an image
   * pulled before runs, and that nothing is damaged or left behind.
   *
   * @returns whether the command had not ended by itself.
   */
  strike(command: CrashCommand, blow: Blow): Promise<boolean>;
}

const BASE = buildTar([{path: 'base', content: Buffer.alloc(700_000, 'winch ')}]);
const layerOf = (name: string, fill: number) =>
  buildTar([
    {path: 'dir/', type: 'directory'},
    {path: `dir/${name}`, content: Buffer.alloc(600_000, fill)},
  ]);
const PULLED = buildImage({layers: [BASE, layerOf('pulled', 1), layerOf('more', 2)], compression: 'none'});
const COPIED = buildImage({layers: [BASE, layerOf('copied', 3)], compression: 'gzip'});
const LOADED = buildImage({layers: [BASE, layerOf('loaded', 4)]});
const RUNTIME_DIRECTORY = '/run/winch';

export async function openCrashRig(): Promise<CrashRig> {
  const [winch, registry] = [makeWinch(), await startRegistry()];
  registry.put('old', '1', busyboxImage());
  registry.put('app', '1', PULLED);
  registry.put('app', '2', COPIED);
  registry.put('app', '3', LOADED);
  const archive = join(winch.directory, 'archive.tar');
  const at = (name: string) => `${registry.host}/${name}`;
  const words: Readonly<Record<CrashCommand, readonly string[]>> = {
    pull: ['pull', at('app:1')],
    run: ['run', '--network', 'none', at('old:1'), 'sh', '-c', 'echo text > /file && cat /file'],
    copy: ['copy', at('app:2'), 'store:copied:1'],
    tag: ['tag', at('old:1'), 'named:1'],
    load: ['load', '--input', archive],
    rmi: ['rmi', at('app:1'), 'copied:1', 'named:1'],
    untag: ['untag', 'loaded:1'],
    prune: ['prune'],
  };
  const runOld = async () => requireSuccess(await winch.run(words.run), 'the image pulled before');
  const repeat = async (command: CrashCommand) => {
    const exit = await winch.run(words[command]);
    const isDone = (command === 'rmi' || command === 'untag') && /_UNKNOWN: /.test(exit.stderr);
    if (!isDone) requireSuccess(exit, `${command} again`);
  };
  requireSuccess(await winch.run(['pull', at('old:1')]), 'the first pull');
  const copy = ['copy', at('app:3'), `docker-archive:${archive}:loaded:1`];
  requireSuccess(await winch.run(copy), 'the archive');
  return {
    winch,
    registry,
    prepare: async (command) => {
      for (const name of NEEDED[command]) requireSuccess(await winch.run(words[name]), name);
      const taken = {pull: at('app:1'), copy: 'copied:1', tag: 'named:1', load: 'loaded:1'}[command as string];
      if (taken !== undefined) await winch.run(['rmi', taken]);
    },
    time: async (command) => {
      const start = performance.now();
      requireSuccess(await winch.run(words[command]), command);
      return performance.now() - start;
    },
    countCalls: async (command) => {
      const file = join(winch.directory, 'trace');
      const tracing = ['strace', '-f', '--seccomp-bpf', '-qq', '-o', file, '-e', `trace=${DISK_CALLS.join(',')}`];
      requireSuccess(await winch.run(words[command], {within: tracing, env: ONE_THREAD}), command);
      return countByThread(readFileSync(file, 'latin1'));
    },
    strike: async (command, blow) => {
      const {signal, exitCode} = await kill(winch, words[command], blow);
      const ids = readContainers(winch);
      await repeat(command);
      if (command !== 'run') await runOld();
      assert.deepEqual(findStoreProblems(winch.root), []);
      requireSuccess(await winch.run(['check']), 'check');
      assert.deepEqual(readContainers(winch), []);
      await requireNoTraces(winch, ids);
      return signal !== null || exitCode === 137;
    },
    [Symbol.asyncDispose]: async () => {
      await registry.close();
      winch[Symbol.dispose]();
    },
  };
}

const NEEDED: Readonly<Record<CrashCommand, readonly CrashCommand[]>> = Object.freeze({
  ...{pull: [], run: [], copy: [], load: [], tag: [], untag: ['load'], prune: ['load', 'untag']},
  rmi: ['pull', 'copy', 'tag'],
});

/** strace counts the calls of each thread by itself. */
const ONE_THREAD = {UV_THREADPOOL_SIZE: '1'};

async function kill(winch: Winch, words: readonly string[], blow: Blow): Promise<WinchExit> {
  if ('call' in blow) {
    const inject = `inject=${blow.call}:signal=KILL:when=${blow.count}`;
    // With --seccomp-bpf, strace 6.1 injects at the first call only.
    const within = ['strace', '-f', '-qq', '-o', '/dev/null', '-e', `trace=${blow.call}`, '-e', inject];
    return winch.run(words, {within, env: ONE_THREAD});
  }
  const {child, exited} = winch.start(words, {within: ['setsid']});
  await Promise.race([sleep(blow.afterMs), exited]);
  const {pid} = child;
  if (pid !== undefined && child.exitCode === null) {
    child.kill('SIGKILL');
    killGroup(pid);
  }
  return exited;
}

/** Of a process that may not have begun its group, or have ended it. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'ESRCH');
  }
}

function requireSuccess({exitCode, signal, stderr}: WinchExit, what: string): void {
  assert.deepEqual([exitCode, signal], [0, null], `${what}: ${stderr}`);
}

function countByThread(trace: string): Readonly<Record<DiskCall, number>> {
  const counts = Object.fromEntries(DISK_CALLS.map((call) => [call, new Map<string, number>()]));
  for (const [, thread = '', call = ''] of trace.matchAll(/^(\d+) +(\w+)\(/gm)) {
    counts[call]?.set(thread, (counts[call].get(thread) ?? 0) + 1);
  }
  const most = DISK_CALLS.map((call) => [call, Math.max(0, ...(counts[call]?.values() ?? []))]);
  return Object.fromEntries(most) as Readonly<Record<DiskCall, number>>;
}

const readContainers = ({root}: Winch): readonly string[] =>
  list(join(root, 'containers')).filter((name) => name !== '.locks');

/** No mount, cgroup, directory or process of these containers, and no process of this store. */
async function requireNoTraces(winch: Winch, ids: readonly string[]): Promise<void> {
  const isTrace = (text: string) => text.includes(winch.root) || ids.some((id) => text.includes(id));
  const find = () => [...readMounts(), ...readRuntimeNames(), ...readProcesses()].filter(isTrace);
  await waitFor(() => find().length === 0).catch(() => assert.deepEqual(find(), []));
}

const readMounts = () => readFileSync('/proc/self/mountinfo', 'utf8').split('\n');

const readRuntimeNames = () =>
  [join(RUNTIME_DIRECTORY, 'containers'), join(RUNTIME_DIRECTORY, 'runc'), ...cgroupRoots()].flatMap((parent) =>
    list(parent).map((name) => join(parent, name)),
  );

const readProcesses = () =>
  list('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => `${readProcess(pid, 'cmdline')} ${readProcess(pid, 'environ')}`);

function readProcess(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}

const cgroupRoots = (): readonly string[] =>
  existsSync('/sys/fs/cgroup/cgroup.controllers')
    ? ['/sys/fs/cgroup']
    : list('/sys/fs/cgroup').map((name) => `/sys/fs/cgroup/${name}`);

const list = (directory: string): readonly string[] => {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
};
