import {chmodSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {dirname} from 'node:path';
import * as assert from 'uvu/assert';
import {lastUseOf, noteUse} from '../../src/store/last-use.ts';
import {describe} from '../helpers/suite.ts';
import {digestFor} from './sample-graph.ts';
import {openSampleStore} from './sample-store.ts';

const APP = digestFor('app');
const LONG_AGO = Date.parse('2001-02-03T04:05:06Z');

describe('store/last-use', ({test}) => {
  test('a use is noted and read, and changes no byte', () => {
    using sample = openSampleStore();
    const {paths} = sample.store;
    mkdirSync(dirname(paths.blob(APP)), {recursive: true});
    writeFileSync(paths.blob(APP), 'manifest');
    noteUse(paths, APP, LONG_AGO);
    assert.is(lastUseOf(paths, APP), LONG_AGO);
    chmodSync(paths.blob(APP), 0o400);
    noteUse(paths, APP, LONG_AGO + 1500);
    assert.is(lastUseOf(paths, APP), LONG_AGO + 1500);
    assert.is(readFileSync(paths.blob(APP), 'utf8'), 'manifest');
  });

  test('an image that was removed meanwhile is no failure', () => {
    using sample = openSampleStore();
    noteUse(sample.store.paths, APP, LONG_AGO);
    assert.is(lastUseOf(sample.store.paths, APP), null);
  });
});
