import * as assert from 'uvu/assert';
import {isKernelAtLeast} from '../../src/host/kernel-release.ts';
import {describe} from '../helpers/suite.ts';

describe('host/kernel-release', ({test}) => {
  test('compares kernel releases by numbers', () => {
    assert.ok(
      isKernelAtLeast('5.10.0', '5.9') && isKernelAtLeast('6.0-rc1', '5.12') && isKernelAtLeast('5.12', '5.12'),
    );
    assert.not.ok(isKernelAtLeast('5.9.0-1-amd64', '5.10') || isKernelAtLeast('4.19', '5.0'));
  });
});
