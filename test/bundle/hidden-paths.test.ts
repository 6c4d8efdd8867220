import * as assert from 'uvu/assert';
import {createHiddenPaths} from '../../src/bundle/hidden-paths.ts';
import {describe} from '../helpers/suite.ts';

describe('bundle/hidden-paths', ({test}) => {
  test('masks what leaks from the kernel, and the counters of this machine', () => {
    const {maskedPaths, readonlyPaths} = createHiddenPaths({}, ['/sys/devices/system/cpu/cpu0/thermal_throttle']);
    for (const path of ['/proc/interrupts', '/proc/kcore', '/sys/firmware', '/sys/devices/virtual/powercap']) {
      assert.ok(maskedPaths.includes(path), path);
    }
    assert.is(maskedPaths.length, 13);
    assert.equal(readonlyPaths, ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger']);
  });

  test('shows all to a privileged container but what is asked to be masked', () => {
    const options = {privileged: true, securityOptions: [{name: 'mask', paths: ['/proc/cpuinfo']}]} as const;
    assert.equal(createHiddenPaths(options, ['/x']), {maskedPaths: ['/proc/cpuinfo'], readonlyPaths: []});
  });

  test('unmasks single paths or ALL', () => {
    const unmask = (paths: readonly string[] | 'ALL') =>
      createHiddenPaths({securityOptions: [{name: 'unmask', paths}]}, ['/x']);
    assert.equal(unmask('ALL'), {maskedPaths: [], readonlyPaths: []});
    const some = unmask(['/proc/kcore', '/proc/sys', '/x']);
    assert.not.ok([...some.maskedPaths, ...some.readonlyPaths].some((path) => /kcore|proc\/sys$|x$/.test(path)));
  });
});
