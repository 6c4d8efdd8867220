import {mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {isFrozen, thaw} from '../../src/host/cgroup-freezer.ts';
import type {Cgroups} from '../../src/host/cgroups.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';

const unified = (mountPoint: string): Cgroups => ({version: 'v2', controllers: new Map(), unified: mountPoint});
const legacy = (mountPoint: string): Cgroups => ({
  version: 'hybrid',
  controllers: new Map([['freezer', mountPoint]]),
  unified: null,
});
const KINDS = [
  {name: 'v2', cgroupsIn: unified, file: 'cgroup.freeze', frozen: ['1\n'], thawed: '0'},
  {name: 'v1', cgroupsIn: legacy, file: 'freezer.state', frozen: ['FROZEN\n', 'FREEZING\n'], thawed: 'THAWED'},
];

describe('host/cgroup-freezer', ({test}) => {
  for (const {name, cgroupsIn, file, frozen, thawed} of KINDS) {
    test(`tells what is frozen, and thaws it, in ${name}`, () => {
      using directory = makeTemporaryDirectory();
      const path = join(directory.path, 'a', file);
      mkdirSync(join(directory.path, 'a'));
      const cgroups = cgroupsIn(directory.path);
      for (const word of frozen) {
        writeFileSync(path, word);
        assert.ok(isFrozen(cgroups, '/a'), word);
      }
      thaw(cgroups, '/a');
      assert.match(readFileSync(path, 'utf8'), thawed);
      writeFileSync(path, thawed);
      assert.not.ok(isFrozen(cgroups, '/a'));
    });

    test(`has nothing to say of what is not there, in ${name}`, () => {
      using directory = makeTemporaryDirectory();
      thaw(cgroupsIn(directory.path), '/none');
      assert.not.ok(isFrozen(cgroupsIn(directory.path), '/none'));
    });
  }
});
