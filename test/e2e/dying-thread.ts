// Preloaded into winch by NODE_OPTIONS: its threads die in the middle of what they are asked for first.
import {isMainThread, parentPort} from 'node:worker_threads';

if (!isMainThread) {
  parentPort?.once('message', () => {
    if (process.env.THREAD_DEATH === 'exit') process.exit(1);
    throw new Error('out of luck');
  });
}
