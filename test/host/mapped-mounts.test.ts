import {closeSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {mountMapped, remountMapped} from '../../src/host/mapped-mounts.ts';
import {holdUserNamespace, openOwnersNamespace} from '../../src/host/mapped-namespace.ts';
import {inPrivateMountNamespace} from '../../src/host/mounts.ts';
import {loadSyscalls, MountFlag} from '../../src/host/syscalls.ts';
import {missingFor} from '../helpers/requires.ts';
import {runProgram} from '../helpers/run-program.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';

const range = (containerID: number, hostID: number, size: number) => ({containerID, hostID, size});
const fdPath = (fd: number) => `/proc/${process.pid}/fd/${fd}`;
const mapsOf = async (path: string) => {
  const within = [`--user=${path}`, 'cat', '/proc/self/uid_map'];
  const {stdout} = await runProgram('nsenter', within);
  return stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/ +/).map(Number));
};

describe('host/mapped-mounts', ({test: declare}) => {
  const test = (title: string, body: () => unknown) =>
    declare(title, body, {skip: missingFor('unshare', 'nsenter', 'setpriv')});

  test('a namespace has the ids that it was made with, and for mounts the root of the machine too', async () => {
    const maps = {uids: [range(0, 300_000, 10)], gids: [range(0, 300_000, 10)]};
    const own = await holdUserNamespace(maps);
    const withRoot = await openOwnersNamespace(maps);
    assert.equal(await mapsOf(own.path), [[0, 300_000, 10]]);
    assert.equal(
      (await mapsOf(fdPath(withRoot))).map(([inside, , count]) => [inside, count]),
      [
        [0, 10],
        [2 ** 32 - 2, 1],
      ],
    );
    closeSync(withRoot);
    await own.close();
    assert.not(existsSync(own.path));
  });

  test('the root of the machine is where no range is, and is not added where one has it', async () => {
    const last = 2 ** 32 - 2;
    const full = {uids: [range(0, 300_000, 1), range(last - 1, 400_000, 2)], gids: [range(0, 300_000, 1)]};
    const beside = await openOwnersNamespace(full);
    assert.ok((await mapsOf(fdPath(beside))).some(([inside, , count]) => inside === last - 2 && count === 1));
    const same = {uids: [range(0, 0, 5)], gids: [range(0, 0, 5)]};
    const identity = await openOwnersNamespace(same);
    assert.equal(await mapsOf(fdPath(identity)), [[0, 0, 5]]);
    for (const fd of [beside, identity]) closeSync(fd);
  });

  test('a mount shows the owners by those ids, with what is mounted below, and on disk they stay', async () => {
    using directory = makeTemporaryDirectory();
    const [source, target] = [join(directory.path, 'source'), join(directory.path, 'target')];
    for (const path of [source, target, join(source, 'below')]) mkdirSync(path);
    writeFileSync(join(source, 'file'), 'x');
    const maps = {uids: [range(0, 300_000, 10)], gids: [range(0, 400_000, 10)]};
    const fd = await openOwnersNamespace(maps);
    const syscalls = loadSyscalls();
    const ownersOf = (path: string) => [statSync(path).uid, statSync(path).gid];
    inPrivateMountNamespace(syscalls, () => {
      syscalls.mount('tmpfs', join(source, 'below'), 'tmpfs', MountFlag.noSuid, 'mode=755');
      mountMapped({source, target, namespaceFd: fd});
      assert.equal(ownersOf(join(target, 'file')), [300_000, 400_000]);
      assert.equal(ownersOf(join(target, 'below')), [300_000, 400_000]);
      assert.equal(ownersOf(join(source, 'file')), [0, 0]);
      remountMapped(syscalls, join(source, 'below'), fd);
      assert.equal(ownersOf(join(source, 'below')), [300_000, 400_000]);
    });
    assert.equal(readFileSync(join(source, 'file'), 'utf8'), 'x');
    closeSync(fd);
  });
});
