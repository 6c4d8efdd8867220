import * as assert from 'uvu/assert';
import type {WinchEvent} from '../../src/events.ts';
import {createJobs, type JobOptions} from '../../src/images/jobs.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {describe} from '../helpers/suite.ts';

describe('images/jobs', ({test}) => {
  const received = (digest: string, receivedBytes: number): WinchEvent => ({
    type: 'blob:received',
    digest,
    receivedBytes,
    totalBytes: 9,
  });
  /** A job that ends when it is told to, and what it was given. */
  const controlled = () => {
    const {promise, resolve, reject} = Promise.withResolvers<string>();
    const given: JobOptions[] = [];
    const work = async (options: JobOptions) => {
      given.push(options);
      return promise;
    };
    return {work, given, resolve, reject};
  };

  test('does once what several ask for, and tells all of them everything', async () => {
    const jobs = createJobs();
    const {work, given, resolve} = controlled();
    const heard: WinchEvent[][] = [[], []];
    const ask = (listener: number) => jobs.run('key', {onEvent: (event) => void heard[listener]?.push(event)}, work);
    const first = ask(0);
    given[0]?.onEvent({type: 'blob:started', digest: 'a', totalBytes: 9});
    for (const bytes of [1, 2]) given[0]?.onEvent(received('a', bytes));
    given[0]?.onEvent(received('b', 3));
    const second = ask(1);
    given[0]?.onEvent(received('b', 4));
    resolve('done');
    assert.equal(await Promise.all([first, second]), ['done', 'done']);
    assert.is(given.length, 1);
    assert.equal(heard[0]?.length, 5);
    assert.equal(heard[1], [
      {type: 'blob:started', digest: 'a', totalBytes: 9},
      ...[received('a', 2), received('b', 3), received('b', 4)],
    ]);
  });

  test('goes on for those who stay, and is aborted when all have left', async () => {
    const jobs = createJobs();
    const {work, given} = controlled();
    const [leaver, stayer] = [new AbortController(), new AbortController()];
    const left = rejectionOf(jobs.run('key', {signal: leaver.signal}, work));
    const stayed = rejectionOf(jobs.run('key', {signal: stayer.signal}, work));
    leaver.abort(new Error('left'));
    assert.is((await left).message, 'left');
    assert.is(given[0]?.signal.aborted, false);
    stayer.abort(new Error('left as well'));
    assert.is((await stayed).message, 'left as well');
    assert.is(given[0]?.signal.aborted, true);
  });

  test('starts anew after an end, a failure or an abort, and keeps keys apart', async () => {
    const jobs = createJobs();
    const failing = controlled();
    const failed = [jobs.run('key', {}, failing.work), jobs.run('key', {}, failing.work)].map((run) =>
      rejectionOf(run),
    );
    failing.reject(new Error('failed'));
    assert.equal(
      (await Promise.all(failed)).map(({message}) => message),
      ['failed', 'failed'],
    );
    const aborted = new AbortController();
    const never = controlled();
    const gone = rejectionOf(jobs.run('key', {signal: aborted.signal}, never.work));
    aborted.abort(new Error('gone'));
    await gone;
    assert.is(await jobs.run('key', {}, async () => 'again'), 'again');
    const [one, other] = [controlled(), controlled()];
    const both = [jobs.run('one', {}, one.work), jobs.run('other', {}, other.work)];
    other.resolve('other');
    one.resolve('one');
    assert.equal(await Promise.all(both), ['one', 'other']);
  });
});
