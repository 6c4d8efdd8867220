import {setTimeout as sleep} from 'node:timers/promises';
import {threadId} from 'node:worker_threads';
import {WinchError} from '../../src/errors.ts';
import {answerRequests} from '../../src/host/worker-protocol.ts';

/** What the test asks this worker to do. */
export type Mood = 'answer' | 'throw' | 'bug' | 'wait' | 'exit' | 'crash' | 'eat';

answerRequests<Mood, number>(async (mood, {signal}) => {
  switch (mood) {
    case 'throw':
      throw new WinchError('SOME_CODE', 'refused', {kind: 'refused', details: {reasons: ['a', 'b']}});
    case 'bug':
      throw new TypeError('a bug');
    case 'wait':
      await sleep(60_000, undefined, {signal});
      break;
    case 'exit':
      process.exit(7);
      break;
    case 'crash':
      setTimeout(() => {
        throw new Error('crashed');
      });
      await sleep(60_000);
      break;
    case 'eat': {
      const eaten: number[][] = [];
      while (true) eaten.push(new Array(100_000).fill(1));
    }
  }
  return threadId;
});
