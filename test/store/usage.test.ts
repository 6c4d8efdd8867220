import {mkdirSync} from 'node:fs';
import * as assert from 'uvu/assert';
import {storePaths} from '../../src/store/paths.ts';
import {readUsage} from '../../src/store/usage.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';
import {digestFor, layerFileFor, NO_TREES, openSampleDatabase} from './sample-graph.ts';

describe('store/usage', ({test}) => {
  test('an empty graph uses nothing', async () => {
    using sample = await openSampleDatabase();
    assert.is(readUsage(sample.database, NO_TREES), 0);
  });

  test('counts every blob and layer file once, however many images use it', async () => {
    using sample = await openSampleDatabase([
      {name: 'one', layers: 'ab', config: 'c'},
      {name: 'two', layers: 'aa', config: 'c'},
    ]);
    // Blobs a and b, layer files a and b, two manifests, one config.
    assert.is(readUsage(sample.database, NO_TREES), 2 * 10 + 2 * 100 + 2 + 1);
  });

  test('counts a layer that is extracted as well, by its tar', async () => {
    using sample = await openSampleDatabase([{name: 'one', layers: 'ab'}]);
    using directory = makeTemporaryDirectory();
    const paths = storePaths(directory.path);
    const before = readUsage(sample.database, paths);
    mkdirSync(paths.layerTree(digestFor('a')), {recursive: true});
    assert.is(readUsage(sample.database, paths) - before, layerFileFor('a').tarBytes);
  });
});
