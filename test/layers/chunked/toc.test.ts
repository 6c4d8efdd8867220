import * as assert from 'uvu/assert';
import {readToc} from '../../../src/layers/chunked/toc.ts';
import {describe} from '../../helpers/suite.ts';

const OBJECTS = 1_600_000;

describe('layers/chunked/toc', ({test}) => {
  const read = (entries: string) => readToc(Buffer.from(`{"version": 1, "entries": [${entries}]}`), 1000);

  test('reads a table as it is', () => {
    assert.is(read('{"name": "a/", "type": "dir", "mode": 493}')?.tree.entries, 1);
  });

  test('refuses to make of a table more objects or lists than entries can have', () => {
    const entry = (rest: string) => `{"name": "a/", "type": "dir", "mode": 493, "rest": [${rest}]}`;
    assert.is(read(entry(`${'{},'.repeat(OBJECTS)}0`)), null);
    assert.is(read(entry(`${'[],'.repeat(OBJECTS)}0`)), null);
    assert.is(read(entry(`${'0,'.repeat(OBJECTS)}0`))?.tree.entries, 1);
  });
});
