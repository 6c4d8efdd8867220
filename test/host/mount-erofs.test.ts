import * as assert from 'uvu/assert';
import {canMountDevices} from '../../src/host/mount-erofs.ts';
import {isInitialUserNamespace} from '../../src/host/user-namespace.ts';
import {missingRoot} from '../helpers/requires.ts';
import {describe} from '../helpers/suite.ts';

describe('host/mount-erofs', ({test}) => {
  test('kernels before 6.12 take no files for devices', () => {
    for (const kernel of ['5.10.0-28-amd64', '6.4.0', '6.11.0-1018-azure', '6.2-rc1', 'unknown'])
      assert.not.ok(canMountDevices(kernel), kernel);
  });

  test(
    'later ones do for root',
    () => {
      for (const kernel of ['6.12.0', '6.12-rc1', '6.18.44-fc', '7.0.1', '10.1'])
        assert.ok(canMountDevices(kernel), kernel);
    },
    {skip: missingRoot() ?? (isInitialUserNamespace() ? undefined : 'this is a user namespace')},
  );
});
