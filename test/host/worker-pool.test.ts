import * as assert from 'uvu/assert';
import {isWinchError} from '../../src/errors.ts';
import {openWorkerPool} from '../../src/host/worker-pool.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {describe} from '../helpers/suite.ts';
import type {Mood} from './moody-worker.ts';

const open = (size: number) =>
  openWorkerPool<Mood, number>({
    url: new URL('./moody-worker.ts', import.meta.url),
    size,
    resourceLimits: {maxOldGenerationSizeMb: 32},
  });

describe('host/worker-pool', ({test}) => {
  test('keeps a worker for the next call', async () => {
    await using pool = open(2);
    const first = await pool.call('answer');
    assert.is(await pool.call('answer'), first);
  });

  test('runs as many calls at once as it has workers; the others wait', async () => {
    await using pool = open(2);
    const threads = await Promise.all(Array.from({length: 6}, () => pool.call('answer')));
    assert.is(new Set(threads).size, 2);
  });

  test('throws the errors of the worker as they were', async () => {
    await using pool = open(1);
    const refused = await rejectionOf(pool.call('throw'));
    assert.ok(isWinchError(refused, 'SOME_CODE'));
    assert.equal([refused.message, refused.kind, refused.details], ['refused', 'refused', {reasons: ['a', 'b']}]);
    const bug = await rejectionOf(pool.call('bug'));
    assert.is(bug.name, 'TypeError');
    assert.match(bug.stack ?? '', /moody-worker/);
  });

  test('T34 rejects when a thread dies, says why, and goes on with another', async () => {
    await using pool = open(1);
    for (const [mood, reason] of [
      ['exit', /ended/],
      ['crash', /crashed/],
      ['eat', /memory/],
    ] as const) {
      const [dead, next] = await Promise.allSettled([pool.call(mood), pool.call('answer')]);
      assert.is(next?.status, 'fulfilled', mood);
      const error: unknown = dead?.status === 'rejected' ? dead.reason : undefined;
      assert.ok(isWinchError(error, 'WORKER_FAILED'), mood);
      assert.match(error.message, reason);
    }
  });

  test('tells the worker of an abort and throws its reason', async () => {
    await using pool = open(1);
    const controller = new AbortController();
    const reason = new Error('stop');
    const first = await pool.call('answer');
    setTimeout(() => controller.abort(reason), 20);
    assert.is(await rejectionOf(pool.call('wait', {signal: controller.signal})), reason);
    assert.is(await pool.call('answer'), first, 'the worker lives on');
  });

  test('lets a call be aborted that still waits for a worker', async () => {
    await using pool = open(1);
    const [busy, waiting] = [new AbortController(), new AbortController()];
    const running = pool.call('wait', {signal: busy.signal});
    const queued = pool.call('answer', {signal: waiting.signal});
    const behind = pool.call('answer');
    waiting.abort(new Error('not me'));
    assert.is((await rejectionOf(queued)).message, 'not me');
    busy.abort(new Error('done'));
    assert.is((await rejectionOf(running)).message, 'done');
    assert.type(await behind, 'number');
    await rejectionOf(pool.call('answer', {signal: waiting.signal}));
  });

  test('rejects everything when it is closed, running or waiting, and afterwards', async () => {
    const pool = open(1);
    const calls = [pool.call('wait'), pool.call('answer')];
    setTimeout(() => void pool.close(), 50);
    for (const {status} of await Promise.allSettled(calls)) assert.is(status, 'rejected');
    assert.ok(isWinchError(await rejectionOf(pool.call('answer')), 'WORKER_FAILED'));
    await pool.close();
  });
});
