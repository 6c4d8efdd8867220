import {appendFileSync, mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {type Contender, compare, medianOf, summarize} from '../../bench/measure.ts';
import {describe} from '../helpers/suite.ts';

describe('bench/measure', ({test, before, after}) => {
  let directory = '';
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'bench-measure-'));
  });
  after(() => rmSync(directory, {recursive: true}));

  const contender = (name: string, log: string): Contender => ({
    name,
    words: ['sh', '-c', `echo ${name} >> ${log}`],
    setUp: async () => appendFileSync(log, `set up ${name}\n`),
    prepare: async () => appendFileSync(log, `prepare ${name}\n`),
  });
  const reject = (promise: Promise<unknown>) =>
    promise.then(
      () => null,
      (error: unknown) => error,
    );

  test('takes turns, after a warm-up round that does not count', async () => {
    const log = join(directory, 'turns');
    const {measurements, failures} = await compare([contender('a', log), contender('b', log)], {runs: 2});
    const turns = readFileSync(log, 'utf8').trim().split('\n');
    const round = ['prepare a', 'a', 'prepare b', 'b'];
    assert.equal(turns, ['set up a', 'prepare a', 'a', 'set up b', 'prepare b', 'b', ...round, ...round]);
    assert.equal(
      measurements.map(({name, runs}) => [name, runs.length]),
      [
        ['a', 2],
        ['b', 2],
      ],
    );
    assert.equal(failures, []);
  });

  test('leaves out who fails and says why', async () => {
    const log = join(directory, 'failures');
    const broken: Contender = {name: 'broken', words: ['sh', '-c', `echo broken >> ${log}; echo no luck >&2; exit 3`]};
    const absent: Contender = {name: 'absent', words: ['/nowhere/absent']};
    const {measurements, failures} = await compare([broken, contender('a', log), absent], {runs: 2});
    assert.equal(
      measurements.map(({name, ratio}) => [name, ratio]),
      [['a', 1]],
    );
    assert.match(failures[0]?.reason ?? '', /exit 3: no luck$/);
    assert.match(failures[1]?.reason ?? '', /not installed$/);
    assert.is(readFileSync(log, 'utf8').match(/broken/g)?.length, 1);
  });

  test('ends at once when it is aborted', async () => {
    const options = {runs: 1, signal: AbortSignal.timeout(50)};
    const error = await reject(compare([{name: 'long', words: ['sleep', '60']}], options));
    assert.is((error as Error).name, 'AbortError');
  });

  test('sees the memory of a process below the one it started', async () => {
    const script = 'const bytes = Buffer.alloc(100e6, 1); setTimeout(() => bytes, 150)';
    const words = ['sh', '-c', `'${process.execPath}' -e '${script}'; true`];
    const {measurements} = await compare([{name: 'a', words, isMemoryWatched: true}], {runs: 1});
    const peak = measurements[0]?.peakBytes ?? 0;
    assert.ok(peak > 100e6 && peak < 400e6, `${peak} bytes`);
  });

  test('the median of an even number of runs lies in the middle of two', () => {
    assert.is(medianOf([9, 1, 5]), 5);
    assert.is(medianOf([4, 1, 2, 100]), 3);
  });

  test('ratios are to the first', () => {
    const [first, second] = summarize([
      {name: 'a', runs: [2, 4, 3]},
      {name: 'b', runs: [12, 6, 4]},
    ]);
    assert.is(first?.ratio, 1);
    assert.equal([second?.median, second?.min, second?.max, second?.ratio], [6, 4, 12, 2]);
  });
});
