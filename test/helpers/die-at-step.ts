import sync from 'node:fs';
import promises from 'node:fs/promises';
import {syncBuiltinESMExports} from 'node:module';

type Work = (...words: readonly unknown[]) => unknown;

/** From now on this process dies right before the step of this number, from 1 on, of these that change directories. */
export function dieAtStep(step: number, names: readonly ('link' | 'mkdir' | 'rename' | 'rm')[]): void {
  let steps = 0;
  const dyingBefore =
    (original: Work): Work =>
    (...words) => {
      steps += 1;
      if (steps === step) process.kill(process.pid, 'SIGKILL');
      return original(...words);
    };
  for (const name of names) {
    Object.assign(promises, {[name]: dyingBefore(promises[name] as Work)});
    Object.assign(sync, {[`${name}Sync`]: dyingBefore(sync[`${name}Sync`] as Work)});
  }
  syncBuiltinESMExports();
}
