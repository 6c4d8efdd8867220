import {writeFileSync} from 'node:fs';
import {open} from 'node:fs/promises';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {findLogTail} from '../../../src/containers/kept/find-log-tail.ts';
import {describe} from '../../helpers/suite.ts';
import {makeTemporaryDirectory} from '../../helpers/temporary-directory.ts';

const record = (words: string) => `2026-01-31T12:00:00.123456789+00:00 ${words}\n`;

describe('containers/kept/find-log-tail', ({test}) => {
  const tail = async (records: readonly string[], lines: number) => {
    using directory = makeTemporaryDirectory();
    const path = join(directory.path, 'log');
    const log = records.map(record).join('');
    writeFileSync(path, log);
    await using file = await open(path);
    const offset = await findLogTail(file, lines);
    return log
      .slice(offset)
      .split('\n')
      .filter(Boolean)
      .map((line) => line.slice(36));
  };
  const LINES = ['stdout F one', 'stdout F two', 'stderr F three'];

  test('counts lines of both streams from the end', async () => {
    assert.equal(await tail(LINES, 0), []);
    assert.equal(await tail(LINES, 2), LINES.slice(1));
    assert.equal(await tail(LINES, 3), LINES);
    assert.equal(await tail(LINES, 9), LINES);
    assert.equal(await tail([], 2), []);
  });

  test('a line of several pieces is one', async () => {
    const pieces = ['stdout F one', 'stdout P t', 'stdout P w', 'stdout F o', 'stdout F three'];
    assert.equal(await tail(pieces, 2), pieces.slice(1));
    assert.equal(await tail(pieces, 1), pieces.slice(4));
  });

  test('a line that has not ended counts', async () => {
    const open = ['stdout F one', 'stdout F two', 'stdout P th', 'stdout P re'];
    assert.equal(await tail(open, 1), open.slice(2));
    assert.equal(await tail(open, 2), open.slice(1));
  });

  test('finds its way through a log that is longer than what is read at once', async () => {
    const many = Array.from({length: 20_000}, (_, index) => `stdout F line ${index}`);
    assert.equal(await tail(many, 15_000), many.slice(5_000));
  });
});
