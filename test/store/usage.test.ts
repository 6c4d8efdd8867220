import * as assert from 'uvu/assert';
import {readUsage} from '../../src/store/usage.ts';
import {describe} from '../helpers/suite.ts';
import {openSampleDatabase} from './sample-graph.ts';

describe('store/usage', ({test}) => {
  test('an empty graph uses nothing', async () => {
    using sample = await openSampleDatabase();
    assert.is(readUsage(sample.database), 0);
  });

  test('counts every blob and layer file once, however many images use it', async () => {
    using sample = await openSampleDatabase([
      {name: 'one', layers: 'ab', config: 'c'},
      {name: 'two', layers: 'aa', config: 'c'},
    ]);
    // Blobs a and b, layer files a and b, two manifests, one config.
    assert.is(readUsage(sample.database), 2 * 10 + 2 * 100 + 2 + 1);
  });
});
