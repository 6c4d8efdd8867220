import * as assert from 'uvu/assert';
import {createOpenStreams} from '../../src/engine-api/open-streams.ts';
import {describe} from '../helpers/suite.ts';

describe('engine-api/open-streams', ({test}) => {
  test('a container that has ended is settled when all who are connected to it have got everything', async () => {
    const streams = createOpenStreams();
    const [first, second] = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
    const noted = [streams.note('a', first.promise), streams.note('a', second.promise)];
    const told: string[] = [];
    const settled = streams.settle('a').then(() => told.push('settled'));
    await streams.settle('b');
    first.resolve('one');
    await noted[0];
    assert.equal(told, []);
    second.reject(new Error('the client is gone'));
    await settled;
    assert.equal(told, ['settled']);
    assert.equal(
      (await Promise.allSettled(noted)).map(({status}) => status),
      ['fulfilled', 'rejected'],
    );
  });

  test('one who does not listen is not waited for', async () => {
    const streams = createOpenStreams();
    const silent = Promise.withResolvers<void>();
    const noted = streams.note('a', silent.promise);
    await streams.settle('a');
    silent.resolve();
    await noted;
  });
});
