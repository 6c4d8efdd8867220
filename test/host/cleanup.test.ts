import * as assert from 'uvu/assert';
import {createCleanupStack} from '../../src/host/cleanup.ts';
import {describe} from '../helpers/suite.ts';

describe('host/cleanup', ({test}) => {
  test('undoes the last step first, each one waiting for the one before', async () => {
    const done: string[] = [];
    const cleanup = createCleanupStack();
    cleanup.add(() => done.push('first'));
    cleanup.add(async () => {
      await new Promise(setImmediate);
      done.push('second');
    });
    assert.equal(await cleanup.run(), []);
    assert.equal(done, ['second', 'first']);
  });

  test('goes on after a failing undo and returns what was thrown', async () => {
    const [late, early] = [new Error('late'), new Error('early')];
    let isDone = false;
    const cleanup = createCleanupStack();
    cleanup.add(() => {
      isDone = true;
    });
    cleanup.add(() => Promise.reject(early));
    cleanup.add(() => {
      throw late;
    });
    assert.equal(await cleanup.run(), [late, early]);
    assert.ok(isDone);
  });

  test('undoes a step once, and one that was added while undoing as well', async () => {
    let count = 0;
    const cleanup = createCleanupStack();
    cleanup.add(() => cleanup.add(() => (count += 1)));
    await cleanup.run();
    await cleanup.run();
    assert.is(count, 1);
  });
});
