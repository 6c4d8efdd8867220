import * as assert from 'node:assert/strict';
import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {type RegistryServer, startRegistry} from '../../fixtures/registry-server.ts';
import {listCgroups} from './container-traces.ts';
import {type CrashCommand, crashWords, putCrashImages} from './crash-commands.ts';
import {findStoreProblems} from './store-problems.ts';
import {waitFor} from './wait-for.ts';
import {makeWinch, type Winch, type WinchExit, type WinchProcess} from './winch.ts';

/** System calls that change what is on the disk; SQLite commits by `pwrite64` and `fdatasync`. */
export const DISK_CALLS = [
  ...['rename', 'fsync', 'fdatasync', 'unlink', 'rmdir', 'mkdir', 'ftruncate', 'pwrite64', 'pwritev'],
  // Of extracted layers.
  ...['mkdirat', 'linkat'],
] as const;
export type DiskCall = (typeof DISK_CALLS)[number];

/** When a command is killed: some time after its start, or as the k-th such call of one of its threads begins. */
export type Blow = {readonly afterMs: number} | {readonly call: DiskCall; readonly count: number};

/** Commands that run at once; those with a time are killed so long after their start. */
export type Crowd = ReadonlyMap<CrashCommand, number | null>;

/** One store on which commands are killed, with a registry beside it. */
export interface CrashRig extends AsyncDisposable {
  readonly winch: Winch;
  readonly registry: RegistryServer;
  /** Brings the store into the state in which these commands have most to do, in any order or all at once. */
  prepare(...commands: readonly CrashCommand[]): Promise<void>;
  /** Prepares and runs commands, all at once and undisturbed. @returns milliseconds that each took */
  time(...commands: readonly CrashCommand[]): Promise<ReadonlyMap<CrashCommand, number>>;
  /** How often one thread makes each call while the command runs undisturbed, at most. */
  countCalls(command: CrashCommand): Promise<Readonly<Record<DiskCall, number>>>;
  /**
   * Prepares a command, kills it with everything it has started, repeats it, and asserts that the repetition succeeds,
   * that an image pulled before runs, and that nothing is damaged or left behind.
   *
   * @returns whether the command had not ended by itself.
   */
  strike(command: CrashCommand, blow: Blow): Promise<boolean>;
  /** As `strike`, for commands that run at once; those that are not killed succeed. @returns whom the blow has hit. */
  strikeTogether(crowd: Crowd): Promise<readonly CrashCommand[]>;
  /** Removes every image, and asserts that nothing of them is left. */
  requireEmptied(): Promise<void>;
}

const OUTPUT_LIMIT_MS = 30_000;

export async function openCrashRig(): Promise<CrashRig> {
  const [winch, registry] = [makeWinch(), await startRegistry()];
  putCrashImages(registry);
  const {words, setUps, old, beginnings} = crashWords(registry.host, winch.directory);
  const runOld = async () => requireSuccess(await winch.run(words.run), 'the image pulled before');
  const prepare = async (...commands: readonly CrashCommand[]) => {
    const setUp = async (command: CrashCommand) => {
      for (const line of setUps[command]) requireDone(await winch.run(line), line.join(' '));
    };
    await Promise.all(commands.map(setUp));
  };
  const recover = async (commands: readonly CrashCommand[]) => {
    const ids = readContainers(winch);
    for (const command of commands) requireDone(await winch.run(words[command]), `${command} again`);
    await runOld();
    assert.deepEqual(findStoreProblems(winch.root), []);
    requireSuccess(await winch.run(['check']), 'check');
    assert.deepEqual(readContainers(winch), []);
    await requireNoTraces(winch, ids);
  };
  for (const line of beginnings) requireSuccess(await winch.run(line), line.join(' '));
  return {
    winch,
    registry,
    prepare,
    time: async (...commands) => {
      await prepare(...commands);
      const run = async (command: CrashCommand) => {
        const start = performance.now();
        requireSuccess(await winch.run(words[command]), command);
        return [command, performance.now() - start] as const;
      };
      return new Map(await Promise.all(commands.map(run)));
    },
    countCalls: async (command) => {
      await prepare(command);
      const file = join(winch.directory, 'trace');
      const tracing = ['strace', '-f', '--seccomp-bpf', '-qq', '-o', file, '-e', `trace=${DISK_CALLS.join(',')}`];
      requireSuccess(await winch.run(words[command], {within: tracing, env: ONE_THREAD}), command);
      return countByThread(readFileSync(file, 'latin1'));
    },
    strike: async (command, blow) => {
      await prepare(command);
      const exit =
        'call' in blow
          ? await killAtCall(winch, words[command], blow)
          : await kill(startGroup(winch, words[command]), blow.afterMs);
      await recover([command]);
      return wasKilled(exit);
    },
    strikeTogether: async (crowd) => {
      await prepare(...crowd.keys());
      const begin = async ([command, afterMs]: readonly [CrashCommand, number | null]) => {
        const running = startGroup(winch, words[command]);
        const exit = afterMs === null ? await running.exited : await kill(running, afterMs);
        if (afterMs === null) requireSuccess(exit, `${command}, which was not killed`);
        return {command, isVictim: afterMs !== null, isHit: wasKilled(exit)};
      };
      const ends = await Promise.all([...crowd].map(begin));
      await recover(ends.filter(({isVictim}) => isVictim).map(({command}) => command));
      return ends.filter(({isHit}) => isHit).map(({command}) => command);
    },
    requireEmptied: async () => {
      requireSuccess(await winch.run(['prune', '--all', '--partials']), 'prune --all');
      const left = ['blobs/sha256', 'layers/sha256', 'ingest', 'trash'].flatMap((name) => list(join(winch.root, name)));
      assert.deepEqual(left, []);
      requireSuccess(await winch.run(['pull', old]), 'the first pull again');
    },
    [Symbol.asyncDispose]: async () => {
      await registry.close();
      winch[Symbol.dispose]();
    },
  };
}

/** strace counts the calls of each thread by itself. */
const ONE_THREAD = {UV_THREADPOOL_SIZE: '1'};

const killAtCall = (
  winch: Winch,
  words: readonly string[],
  {call, count}: {readonly call: DiskCall; readonly count: number},
): Promise<WinchExit> => {
  const inject = `inject=${call}:signal=KILL:when=${count}`;
  // With --seccomp-bpf, strace 6.1 injects at the first call only.
  const within = ['strace', '-f', '-qq', '-o', '/dev/null', '-e', `trace=${call}`, '-e', inject];
  return winch.run(words, {within, env: ONE_THREAD});
};

/** In a process group of its own. */
const startGroup = (winch: Winch, words: readonly string[]): WinchProcess => winch.start(words, {within: ['setsid']});

async function kill({child, exited}: WinchProcess, afterMs: number): Promise<WinchExit> {
  await Promise.race([sleep(afterMs), exited]);
  const {pid} = child;
  if (pid !== undefined && child.exitCode === null) {
    child.kill('SIGKILL');
    killGroup(pid);
  }
  return Promise.race([exited, failLater()]);
}

async function failLater(): Promise<never> {
  await sleep(OUTPUT_LIMIT_MS, undefined, {ref: false});
  throw new Error('a process that outlives the killed command holds its output open');
}

const wasKilled = ({signal, exitCode}: WinchExit): boolean => signal !== null || exitCode === 137;

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

/** What the command takes away may be gone already, and the network that it makes be there. */
function requireDone(exit: WinchExit, what: string): void {
  const isDone = /_UNKNOWN: /.test(exit.stderr) ? /^(?:rmi|untag|network.rm)\b/ : /^network.create\b/;
  if (!/_UNKNOWN: |NETWORK_EXISTS: /.test(exit.stderr) || !isDone.test(what)) requireSuccess(exit, what);
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
  const find = () => [...readMounts(), ...readRuntimeNames(winch), ...readProcesses()].filter(isTrace);
  await waitFor(() => find().length === 0).catch(() => assert.deepEqual(find(), []));
}

const readMounts = () => readFileSync('/proc/self/mountinfo', 'utf8').split('\n');

const readRuntimeNames = ({runtimeDirectory}: Winch) => [
  ...[join(runtimeDirectory, 'containers'), join(runtimeDirectory, 'runc')].flatMap((parent) =>
    list(parent).map((name) => join(parent, name)),
  ),
  ...listCgroups(),
];

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

const list = (directory: string): readonly string[] => {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
};
