import {mkdirSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {findAbove, findDelegatedCgroup} from '../../src/host/delegated-cgroup.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';

/** As `systemd-run --user --scope` on Debian 12 has it. */
const SLICE = '/user.slice/user-1000.slice/user@1000.service/app.slice';

describe('host/delegated-cgroup', ({test}) => {
  test('is the one above the own one, if all in it is the user’s', () => {
    using tree = makeTemporaryDirectory();
    mkdirSync(join(tree.path, SLICE, 'run-1.scope'), {recursive: true});
    for (const name of ['cgroup.procs', 'cgroup.subtree_control']) writeFileSync(join(tree.path, SLICE, name), '');
    assert.is(findAbove(tree.path, `${SLICE}/run-1.scope`), SLICE);
    assert.is(findAbove(tree.path, '/'), null);
    assert.is(findAbove(tree.path, '/gone/too'), null);
    rmSync(join(tree.path, SLICE, 'cgroup.subtree_control'));
    assert.is(findAbove(tree.path, `${SLICE}/run-1.scope`), null);
  });

  test('there is none in trees of names only, nor without a tree', () => {
    for (const version of ['v1', 'hybrid'] as const) {
      assert.is(findDelegatedCgroup({version, controllers: new Map(), unified: '/sys/fs/cgroup/unified'}), null);
    }
    assert.is(findDelegatedCgroup({version: 'v2', controllers: new Map(), unified: null}), null);
  });
});
