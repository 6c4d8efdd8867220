import * as assert from 'uvu/assert';
import {fsckSkip} from '../helpers/fsck-erofs.ts';
import {describe} from '../helpers/suite.ts';
import {checkGeneratedLayers} from './generated-layers.ts';
import {mountSkip} from './mounted-tree.ts';

const LAYERS = 10;

describe('layers (generated)', ({test}) => {
  test(
    'the kernel shows of generated layers what they have',
    async () => {
      const {findings, mounted} = await checkGeneratedLayers({seed: 1, layers: LAYERS});
      assert.equal([findings, mounted], [[], LAYERS]);
    },
    {skip: mountSkip},
  );

  test(
    'fsck.erofs passes generated layers',
    async () => {
      const {findings, fsck} = await checkGeneratedLayers({seed: 1, layers: LAYERS});
      assert.equal([findings, fsck], [[], LAYERS]);
    },
    {skip: fsckSkip},
  );
});
