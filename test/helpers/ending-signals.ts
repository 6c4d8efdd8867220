import type {ChildProcess} from 'node:child_process';
import {constants} from 'node:os';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const SIGNALLED = 128;

/** What ends this process ends the child first, which may have things of its own to end. */
export function passSignalsTo(child: ChildProcess): void {
  for (const signal of SIGNALS) {
    const pass = () => {
      child.kill(signal);
    };
    process.on(signal, pass);
    child.once('exit', () => process.off(signal, pass));
  }
}

/** Does a last work before one of these signals ends this process; a second one finds it at that. */
export function beforeEnding(work: () => Promise<void>): void {
  for (const signal of SIGNALS) {
    process.once(signal, async () => {
      await work();
      process.exit(SIGNALLED + constants.signals[signal]);
    });
  }
}
