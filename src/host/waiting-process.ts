import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {SYSTEM_PATH} from './system-programs.ts';

/** A process that only waits, and by which its namespaces are found; it ends with this process at the latest. */
export interface WaitingProcess {
  readonly pid: number;
  close(): Promise<void>;
}

const SAY_AND_WAIT = ['/bin/sh', '-c', 'echo; read -r line'];

/**
 * Starts one that is where it is to be as soon as this settles.
 *
 * @param enter What takes it there: an absolute path, and words before those of what it runs (`unshare --net`).
 * @returns null: it did not get there.
 */
export async function startWaitingProcess(enter: readonly string[]): Promise<WaitingProcess | null> {
  const [program = '', ...words] = [...enter, ...SAY_AND_WAIT];
  const child = spawn(program, words, {env: {PATH: SYSTEM_PATH}, stdio: ['pipe', 'pipe', 'ignore']});
  const exited = once(child, 'exit');
  await Promise.race([once(child.stdout, 'data'), exited]);
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return null;
  return {
    pid: child.pid,
    close: async () => {
      child.stdin.end();
      await exited;
    },
  };
}
