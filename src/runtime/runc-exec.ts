import {spawn} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {hasErrno} from '../errors.ts';
import {execArguments} from './runc-arguments.ts';
import type {ExecStart, RunningContainer} from './runtime.ts';
import {ENVIRONMENT, waitForExit} from './runtime-process.ts';

/** Starts the runtime on a further process of a container, with the standard streams of this process. */
export function startExec(path: string, flags: {root: string; log: string}, request: ExecStart): RunningContainer {
  const {interactive, terminal, detach, pidFile} = request;
  const output = detach ? 'ignore' : 'inherit';
  const child = spawn(path, execArguments(flags, request), {
    cwd: '/',
    env: ENVIRONMENT,
    stdio: [interactive && !detach ? 'inherit' : 'ignore', output, output],
    // As for a run: signals come once, and a terminal tells the runtime of resizes.
    detached: !terminal,
  });
  return {
    pid: child.pid ?? null,
    exited: waitForExit(child, flags.log),
    forward: (signal) => void child.kill(signal),
    killAll: async () => {
      const pid = readPid(pidFile);
      // The runtime waits for it, so that nobody else has its pid.
      if (pid === null || child.exitCode !== null) child.kill('SIGKILL');
      else killUnlessGone(pid);
    },
  };
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

function killUnlessGone(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!hasErrno(error, 'ESRCH')) throw error;
  }
}
