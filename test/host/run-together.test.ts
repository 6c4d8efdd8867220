import {getEventListeners} from 'node:events';
import {setImmediate as turn} from 'node:timers/promises';
import * as assert from 'uvu/assert';
import {runTogether, type Task} from '../../src/host/run-together.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {describe} from '../helpers/suite.ts';

describe('host/run-together', ({test}) => {
  const untilAborted: Task = (signal) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), {once: true}));

  test('starts in order, never more than the limit at once', async () => {
    const started: number[] = [];
    let running = 0;
    let most = 0;
    const tasks = Array.from({length: 9}, (_, index) => async () => {
      started.push(index);
      running += 1;
      most = Math.max(most, running);
      for (let turns = 9 - index; turns > 0; turns -= 1) await turn();
      running -= 1;
    });
    await runTogether(tasks, {limit: 3});
    assert.is(most, 3);
    assert.equal(started, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test('resolves without tasks', () => runTogether([], {limit: 3}));

  test('the first failure aborts the others, waits for them and starts no more', async () => {
    const failure = new Error('first');
    const ended: string[] = [];
    const error = await rejectionOf(
      runTogether(
        [
          async (signal) => {
            await untilAborted(signal).catch(() => {});
            await turn();
            ended.push('slow');
            throw new Error('second');
          },
          () => Promise.reject(failure),
          async () => ended.push('never'),
        ],
        {limit: 2},
      ),
    );
    assert.is(error, failure);
    assert.equal(ended, ['slow']);
  });

  test('a task that throws before it returns a promise fails the whole as well', async () => {
    const failure = new Error('at once');
    const tasks: Task[] = [
      () => {
        throw failure;
      },
      untilAborted,
    ];
    assert.is(await rejectionOf(runTogether(tasks, {limit: 2})), failure);
  });

  test("passes the caller's abort on, reason untouched, and leaves no listener", async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const running = rejectionOf(runTogether([untilAborted, untilAborted], {limit: 2, signal: controller.signal}));
    controller.abort(reason);
    assert.is(await running, reason);
    assert.is(getEventListeners(controller.signal, 'abort').length, 0);
    const never: Task = async () => assert.unreachable('it was aborted before');
    assert.is(await rejectionOf(runTogether([never], {limit: 1, signal: controller.signal})), reason);
  });

  test('an abort that the tasks did not notice is not lost', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const deaf: Task = async () => controller.abort(reason);
    assert.is(await rejectionOf(runTogether([deaf], {limit: 1, signal: controller.signal})), reason);
  });
});
