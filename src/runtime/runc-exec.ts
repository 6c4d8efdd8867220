import {type ChildProcess, spawn} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {setTimeout as sleep} from 'node:timers/promises';
import {hasErrno} from '../errors.ts';
import {expectCgroupMove} from '../host/expect-cgroup-move.ts';
import {killUnlessGone} from '../host/kill-unless-gone.ts';
import {execArguments} from './runc-arguments.ts';
import type {ExecStart, RunningContainer, RuntimeExit, StreamedExecStart, StreamedProcess} from './runtime.ts';
import {ENVIRONMENT, waitForExit} from './runtime-process.ts';

const DRAIN_MS = 500;

/** Starts the runtime on a further process of a container, with the standard streams of this process. */
export function startExec(path: string, flags: {root: string; log: string}, request: ExecStart): RunningContainer {
  const {interactive, terminal, console, detach, pidFile, capture, within} = request;
  const output = capture ? 'pipe' : detach ? 'ignore' : 'inherit';
  const [program = '', ...words] = [...within, path, ...execArguments(flags, request)];
  void expectCgroupMove();
  const child = spawn(program, words, {
    cwd: '/',
    env: ENVIRONMENT,
    stdio: [interactive && !detach ? 'inherit' : 'ignore', output, console ?? output],
    // As for a run: signals come once, and a terminal tells the runtime of resizes.
    detached: !terminal || console !== null,
  });
  const ended = waitForExit(child, flags.log);
  const exited = capture ? drain(child, ended, capture) : ended;
  return {...control(child, pidFile), exited};
}

/** Starts the runtime on a further process of a container, with streams that are this process's to read and write. */
export function startStreamedExec(
  path: string,
  flags: {root: string; log: string},
  {input, output, programEnd, within, pidFile, ...request}: StreamedExecStart,
): StreamedProcess {
  const [reading, writing] = [input ? 'pipe' : 'ignore', output ? 'pipe' : 'ignore'] as const;
  const [program = '', ...words] = [
    ...within,
    ...[path, ...execArguments(flags, {...request, pidFile, detach: false})],
  ];
  void expectCgroupMove();
  const child = spawn(program, words, {
    cwd: '/',
    env: ENVIRONMENT,
    stdio: programEnd === null ? [reading, writing, writing] : [programEnd, programEnd, programEnd],
    detached: true,
  });
  // Told by the write that has failed.
  child.stdin?.on('error', () => {});
  const {stdin, stdout, stderr} = child;
  return {
    ...{...control(child, pidFile), stdin, stdout, stderr},
    exited: waitForExit(child, flags.log),
    readPid: () => readPid(pidFile),
    unref: () => child.unref(),
  };
}

const control = (child: ChildProcess, pidFile: string): Omit<RunningContainer, 'exited'> => ({
  pid: child.pid ?? null,
  forward: (signal) => void child.kill(signal),
  killAll: async () => {
    const pid = readPid(pidFile);
    // A child of the runtime has its pid until that has waited for it; what it has started may keep the runtime waiting.
    if (pid === null || parentOf(pid) !== child.pid) child.kill('SIGKILL');
    else killUnlessGone(pid);
  },
});

/** What the process has started may hold the other ends for as long as it lives. */
async function drain(child: ChildProcess, ended: Promise<RuntimeExit>, capture: (bytes: Buffer) => void) {
  const streams = [child.stdout, child.stderr].filter((stream) => stream !== null);
  for (const stream of streams) stream.on('data', capture);
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const exit = await ended;
  await Promise.race([closed, sleep(DRAIN_MS, undefined, {ref: false})]);
  for (const stream of streams) stream.destroy();
  return exit;
}

/** Null: the runtime has not started the process yet. */
function readPid(file: string): number | null {
  try {
    return Number(readFileSync(file, 'utf8')) || null;
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return null;
    throw error;
  }
}

/** Null: there is no such process. */
function parentOf(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ESRCH')) return null;
    throw error;
  }
}
