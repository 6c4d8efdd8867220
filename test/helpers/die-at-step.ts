import fs from 'node:fs/promises';
import {syncBuiltinESMExports} from 'node:module';

/** From now on this process dies right before the step of this number, from 1 on, of these that change directories. */
export function dieAtStep(step: number, names: readonly ('link' | 'mkdir' | 'rename' | 'rm')[]): void {
  let steps = 0;
  for (const name of names) {
    const original = fs[name] as (...words: readonly unknown[]) => unknown;
    const dying = (...words: readonly unknown[]) => {
      steps += 1;
      if (steps === step) process.kill(process.pid, 'SIGKILL');
      return original(...words);
    };
    Object.assign(fs, {[name]: dying});
  }
  syncBuiltinESMExports();
}
