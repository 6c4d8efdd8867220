import * as assert from 'uvu/assert';
import type {DiskUsage} from '../../../src/images/disk-usage.ts';
import {describe} from '../../helpers/suite.ts';
import {runWinch} from '../run-winch.ts';
import {DIGESTS} from '../samples.ts';

const shared = {count: 3, bytes: 3000, sharedBytes: 1000, uniqueBytes: 1500, reclaimableBytes: 500};
const USAGE: DiskUsage = {
  totalBytes: 9000,
  images: {...shared, count: 1},
  layers: shared,
  blobs: shared,
  droppableBytes: 400,
  partials: {count: 2, bytes: 700, reclaimableBytes: 700},
  containers: {count: 0, bytes: 0, reclaimableBytes: 0},
  volumes: {count: 1, bytes: 100, reclaimableBytes: 100},
  otherBytes: 2200,
  perImage: [
    {
      image: {imageId: DIGESTS.config, references: ['app:1', 'evil\u001b[31m:2']},
      platform: 'linux/amd64',
      bytes: 3000,
      sharedBytes: 1000,
      uniqueBytes: 2000,
      lastUsedAt: '2026-01-02T03:04:05Z',
    },
    {
      image: {imageId: DIGESTS.config, references: []},
      platform: 'linux/amd64',
      bytes: 0,
      sharedBytes: 0,
      uniqueBytes: 0,
      lastUsedAt: null,
    },
  ],
  perVolume: [{name: 'data', bytes: 100}],
};

const df = (...words: readonly string[]) => runWinch(['df', ...words], {images: {usage: async () => USAGE}});

describe('cli/commands/df', ({test}) => {
  test('prints a table with a total of what can be had back', async () => {
    const {stdout} = await df();
    const lines = stdout.split('\n').map((line) => line.trimEnd().split(/ {3,}/));
    assert.equal(lines[0], ['TYPE', 'COUNT', 'SIZE', 'SHARED', 'UNIQUE', 'RECLAIMABLE']);
    assert.equal(lines[2], ['├─ Layers', '3', '3kB', '1kB', '1.5kB', '500B']);
    assert.equal(lines[4]?.filter(Boolean), ['Partial downloads', '2', '700B', '700B']);
    assert.equal(lines[8]?.filter(Boolean), ['Total', '9kB', '1.7kB']);
    assert.not.match(stdout, 'app:1');
  });

  test('tells what more can be had, unless a format is asked for', async () => {
    assert.match((await df()).stderr, 'winch prune --blobs frees 400B more');
    assert.is((await df('--format', 'json')).stderr, '');
  });

  test('lists each image on demand, escaped', async () => {
    const {stdout} = await df('-v');
    assert.match(stdout, /^app:1, evil\S*:2 +3{12} +linux\/amd64 +3kB +1kB +2kB +\d+ \w+ ago$/m);
    assert.not.match(stdout, '\u001b');
    assert.match(stdout, /^<none> /m);
  });

  test('prints JSON in bytes, or a template for each kind', async () => {
    assert.equal(JSON.parse((await df('--format', 'json')).stdout), USAGE);
    const {stdout} = await df('--format', '{{.Type}} {{.Reclaimable}}');
    assert.equal(stdout.split('\n').slice(0, 4), [
      'Images 500B',
      'Layers 500B',
      'Blobs 500B',
      'Partial downloads 700B',
    ]);
  });
});
