import {existsSync, mkdirSync, readdirSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {cgroupPathOf, leaveCgroup, noteCgroup, takeCgroup} from '../../src/containers/cgroup-place.ts';
import {findParentsToMake} from '../../src/host/cgroup-tree.ts';
import {mountPointsOf, readCgroups} from '../../src/host/cgroups.ts';
import {missingCgroup} from '../helpers/requires.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';

/** Nobody else's. */
const PARENT = `/winch-place-${process.pid}`;

describe('containers/cgroup-place', ({test}) => {
  const skip = missingCgroup();
  const cgroups = readCgroups();
  const places = (path: string) => mountPointsOf(cgroups).map((mountPoint) => join(mountPoint, path));
  const isAnywhere = (path: string) => places(path).some((place) => existsSync(place));

  test(
    'below a parent it is made with what it needs, and goes with it',
    async () => {
      using temporary = makeTemporaryDirectory();
      const owner = {id: 'box', directory: temporary.path};
      await takeCgroup(owner, {cgroupParent: `${PARENT}/a`});
      assert.is(cgroupPathOf(owner), `${PARENT}/a/winch-box`);
      assert.ok(places(`${PARENT}/a/winch-box`).every((place) => existsSync(place)));
      assert.equal(readdirSync(temporary.path), ['cgroup'], 'what is there need not be looked for');
      await leaveCgroup(owner);
      assert.not.ok(isAnywhere(PARENT));
    },
    {skip},
  );

  test(
    'of whoever was killed while making it, the parents go that had no mark yet',
    async () => {
      using temporary = makeTemporaryDirectory();
      const owner = {id: 'box', directory: temporary.path};
      const path = `${PARENT}/a/winch-box`;
      noteCgroup(owner, {path, parents: findParentsToMake(cgroups, path)});
      const [first = ''] = places(`${PARENT}/a`);
      mkdirSync(first, {recursive: true});
      await leaveCgroup(owner);
      assert.not.ok(isAnywhere(PARENT));
    },
    {skip},
  );
});
