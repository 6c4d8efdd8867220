import * as assert from 'uvu/assert';
import {resolveDevices} from '../../src/bundle/devices.ts';
import {codeOf} from '../helpers/code-of.ts';
import {describe} from '../helpers/suite.ts';

const request = (source: string, target = source, permissions = 'rwm') => ({source, target, permissions});

describe('bundle/devices', ({test}) => {
  test('denies all devices but the harmless ones', () => {
    const {devices, rules} = resolveDevices({});
    assert.equal(devices, []);
    assert.equal(rules[0], {allow: false, access: 'rwm'});
    assert.equal(
      rules.slice(1).map(({major, minor}) => `${major}:${minor}`),
      ['1:5', '1:3', '1:9', '1:8', '5:0', '5:1'],
    );
  });

  test('looks up the numbers of a device and allows what is asked', () => {
    const {devices, rules} = resolveDevices({devices: [request('/dev/null', '/dev/nothing', 'rw')]});
    assert.equal(devices, [{path: '/dev/nothing', type: 'c', major: 1, minor: 3, fileMode: 0o666, uid: 0, gid: 0}]);
    assert.equal(rules.at(-1), {allow: true, type: 'c', major: 1, minor: 3, access: 'rw'});
  });

  test('allows further devices by their numbers, but where everything is allowed', () => {
    const deviceCgroupRules = ['c 13:* rw', 'b *:7 m', 'a *:* rwm'];
    assert.equal(resolveDevices({deviceCgroupRules}).rules.slice(-3), [
      {allow: true, type: 'c', major: 13, access: 'rw'},
      {allow: true, type: 'b', minor: 7, access: 'm'},
      {allow: true, type: 'a', access: 'rwm'},
    ]);
    assert.is(resolveDevices({deviceCgroupRules, privileged: true}).rules.length, 1);
    for (const rule of [
      '',
      'c 13 rwm',
      'd 1:1 r',
      'c 1:1 rr',
      'c 1:1 x',
      'c 1:1 r ',
      'c -1:1 r',
      'c 1:1',
      'c 9999999999:1 r',
    ]) {
      assert.is(
        codeOf(() => resolveDevices({deviceCgroupRules: [rule]})),
        'DEVICE_INVALID',
        rule,
      );
    }
  });

  test('gives a privileged container every device of the host once, pts and console left to the runtime', () => {
    const {devices, rules} = resolveDevices({privileged: true, devices: [request('/dev/null', '/dev/also-null')]});
    const paths = devices.map(({path}) => path);
    assert.ok(paths.includes('/dev/null') && paths.includes('/dev/also-null'));
    assert.not.ok(paths.some((path) => /^\/dev\/(pts|shm|mqueue|fd)\/|^\/dev\/console$/.test(path)));
    assert.is(new Set(paths).size, paths.length);
    assert.equal(rules, [{allow: true, access: 'rwm'}]);
  });

  test('refuses what is no device, and permissions other than rwm', () => {
    for (const source of ['/etc/passwd', '/nowhere', '/etc', '/dev/null/x']) {
      assert.is(
        codeOf(() => resolveDevices({devices: [request(source)]})),
        'DEVICE_INVALID',
        source,
      );
    }
    for (const permissions of ['', 'x', 'rr', 'rwmx']) {
      assert.is(
        codeOf(() => resolveDevices({devices: [request('/dev/null', '/dev/null', permissions)]})),
        'DEVICE_INVALID',
        permissions,
      );
    }
  });
});
