import * as assert from 'uvu/assert';
import {requireCgroupParent} from '../../src/bundle/cgroup-parent.ts';
import {isWinchError} from '../../src/errors.ts';
import {describe} from '../helpers/suite.ts';

const check = (cgroupParent: string, isForeign = false) => requireCgroupParent({cgroupParent}, {isForeign});
const errorOf = (cgroupParent: string, isForeign = false): string => {
  try {
    check(cgroupParent, isForeign);
    return '';
  } catch (error) {
    if (!isWinchError(error)) throw error;
    return `${error.code}: ${error.message}`;
  }
};

describe('bundle/cgroup-parent', ({test}) => {
  test('takes paths below the root of the hierarchies, and below the own cgroup', () => {
    for (const parent of [
      '/',
      '/ci',
      '/ci/builds',
      'builds',
      'a/b',
      '/a.slice/b',
      '/ü',
      '/a:b',
      `/${'a'.repeat(255)}`,
    ]) {
      assert.is(check(parent), parent);
    }
    assert.is(requireCgroupParent({}, {isForeign: true}), null);
    assert.is(check('', true), null);
  });

  test('refuses what would lead elsewhere, or cannot be a cgroup', () => {
    const bad = ['//', '/a//b', '/a/', '..', '/a/../b', './a', '/a/.', 'a\0b', '/a\nb', `/${'a'.repeat(256)}`];
    for (const parent of [...bad, `/a${'/b'.repeat(1024)}`]) assert.match(errorOf(parent), 'CGROUP_PARENT_INVALID: ');
  });

  test("refuses systemd's slices", () => {
    for (const parent of ['ci.slice', '/ci.slice', '/system.slice/ci.slice']) assert.match(errorOf(parent), 'systemd');
  });

  test('refuses any to users', () => {
    assert.match(errorOf('/ci', true), 'CGROUP_CONTROLLER_MISSING: root of a user namespace');
  });
});
