import type {ChildProcess} from 'node:child_process';
import {once} from 'node:events';
import {setTimeout as sleep} from 'node:timers/promises';

/** How long a process has to end in its own way, with what it has started. */
const GRACE_MS = 3000;
const started = new Set<ChildProcess>();

/** Keeps a process in mind that a test has started, for as long as it runs. */
export function noteStarted(child: ChildProcess): void {
  started.add(child);
  child.once('exit', () => started.delete(child));
  child.once('error', () => started.delete(child));
}

export const listStarted = (): ReadonlySet<ChildProcess> => new Set(started);

/** Ends what runs of all that was noted, but for `kept`. */
export async function endStarted(kept: ReadonlySet<ChildProcess> = new Set()): Promise<void> {
  await Promise.all([...started].filter((child) => !kept.has(child)).map(endProcess));
}

async function endProcess(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await Promise.race([exited, sleep(GRACE_MS, undefined, {ref: false})]);
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  await exited;
}
