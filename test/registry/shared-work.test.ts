import * as assert from 'node:assert/strict';
import {openSharedWork} from '../../src/registry/shared-work.ts';
import {describe} from '../helpers/suite.ts';

describe('registry/shared-work', ({test}) => {
  test('does the work once for everybody who asks while it runs', async () => {
    const shared = openSharedWork<number>();
    let starts = 0;
    const work = async () => ++starts;
    const together = await Promise.all([1, 2, 3].map(() => shared.run('a', undefined, work)));
    assert.deepEqual([together, await shared.run('a', undefined, work)], [[1, 1, 1], 2]);
    assert.deepEqual(await Promise.all([shared.run('a', undefined, work), shared.run('b', undefined, work)]), [3, 4]);
  });

  test('shares a failure, and tries again afterwards', async () => {
    const shared = openSharedWork<number>();
    const failing = () => Promise.reject(new Error('no'));
    const outcomes = await Promise.allSettled([1, 2].map(() => shared.run('a', undefined, failing)));
    assert.deepEqual(
      outcomes.map(({status}) => status),
      ['rejected', 'rejected'],
    );
    assert.equal(await shared.run('a', undefined, async () => 7), 7);
  });

  test('lets who is aborted go, and aborts the work when nobody waits for it any more', async () => {
    const shared = openSharedWork<string>();
    const [first, second] = [new AbortController(), new AbortController()];
    const started: AbortSignal[] = [];
    const {promise, resolve} = Promise.withResolvers<string>();
    const work = (signal: AbortSignal) => {
      started.push(signal);
      return promise;
    };
    const leaving = shared.run('a', first.signal, work);
    const staying = shared.run('a', second.signal, work);
    first.abort(new Error('enough'));
    await assert.rejects(leaving, /enough/);
    assert.equal(started[0]?.aborted, false);
    resolve('done');
    assert.equal(await staying, 'done');

    const alone = shared.run('b', second.signal, (signal) => {
      started.push(signal);
      return new Promise<string>(() => {});
    });
    second.abort(new Error('all gone'));
    await assert.rejects(alone, /all gone/);
    assert.equal(started[1]?.aborted, true);
  });
});
