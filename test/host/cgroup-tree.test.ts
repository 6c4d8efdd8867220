import {existsSync, mkdirSync, rmdirSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {findParentsToMake, makeCgroup, removeCgroupAndParents} from '../../src/host/cgroup-tree.ts';
import {mountPointsOf, readCgroups} from '../../src/host/cgroups.ts';
import {missingCgroup} from '../helpers/requires.ts';
import {describe} from '../helpers/suite.ts';

const TOP = `/winch-tree-${process.pid}`;

describe('host/cgroup-tree', ({test: declare, after}) => {
  const skip = missingCgroup();
  const test = (title: string, body: () => unknown) => declare(title, body, {skip});
  const cgroups = readCgroups();
  const places = (path: string) => mountPointsOf(cgroups).map((mountPoint) => join(mountPoint, path));
  const isThere = (path: string) => {
    const found = new Set(places(path).map((place) => existsSync(place)));
    assert.is(found.size, 1, `${path} is in some hierarchies only`);
    return found.has(true);
  };
  const removeAll = (...paths: readonly string[]) => {
    for (const path of paths.flatMap(places)) if (existsSync(path)) rmdirSync(path);
  };
  after(() =>
    removeAll(
      `${TOP}/theirs/mine/box`,
      `${TOP}/theirs/mine/other`,
      `${TOP}/theirs/mine`,
      `${TOP}/theirs`,
      `${TOP}/a/b`,
      `${TOP}/a`,
      TOP,
    ),
  );

  test('makes the parents that there are not, and takes them away with the cgroup', () => {
    makeCgroup(cgroups, `${TOP}/a/b/box`);
    assert.ok(isThere(`${TOP}/a/b/box`));
    makeCgroup(cgroups, `${TOP}/a/b/box`);
    removeCgroupAndParents(cgroups, `${TOP}/a/b/box`);
    assert.not.ok(isThere(TOP));
    removeCgroupAndParents(cgroups, `${TOP}/a/b/box`);
  });

  test('the last of those who share a parent takes it away, whoever has made it', () => {
    makeCgroup(cgroups, `${TOP}/a/one`);
    makeCgroup(cgroups, `${TOP}/a/two`);
    makeCgroup(cgroups, `${TOP}/three`);
    removeCgroupAndParents(cgroups, `${TOP}/a/one`);
    assert.ok(isThere(`${TOP}/a/two`));
    removeCgroupAndParents(cgroups, `${TOP}/a/two`);
    assert.not.ok(isThere(`${TOP}/a`));
    assert.ok(isThere(`${TOP}/three`));
    removeCgroupAndParents(cgroups, `${TOP}/three`);
    assert.not.ok(isThere(TOP));
  });

  test('a parent that was there stays, with all above it', () => {
    for (const path of places(`${TOP}/theirs`)) mkdirSync(path, {recursive: true});
    makeCgroup(cgroups, `${TOP}/theirs/mine/box`);
    removeCgroupAndParents(cgroups, `${TOP}/theirs/mine/box`);
    assert.not.ok(isThere(`${TOP}/theirs/mine`));
    assert.ok(isThere(`${TOP}/theirs`));
    removeAll(`${TOP}/theirs`, TOP);
  });

  test('a parent whose maker was killed before it had its mark goes, once nobody uses it any more', () => {
    const [theirs, mine] = [`${TOP}/theirs`, `${TOP}/theirs/mine`];
    for (const path of places(theirs)) mkdirSync(path, {recursive: true});
    const toMake = findParentsToMake(cgroups, `${mine}/box`);
    assert.equal(toMake, places(mine));
    for (const path of places(mine)) mkdirSync(path);
    removeCgroupAndParents(cgroups, `${mine}/box`);
    assert.ok(isThere(mine), 'whoever does not know of it takes it for somebody else’s');
    removeCgroupAndParents(cgroups, `${mine}/box`, toMake);
    assert.not.ok(isThere(mine));
    assert.ok(isThere(theirs));

    for (const path of places(mine)) mkdirSync(path);
    makeCgroup(cgroups, `${mine}/other`);
    removeCgroupAndParents(cgroups, `${mine}/box`, toMake);
    assert.ok(isThere(`${mine}/other`));
    removeCgroupAndParents(cgroups, `${mine}/other`);
    assert.not.ok(isThere(mine));
    removeAll(theirs, TOP);
  });

  test('a parent that is there in some hierarchies only stays in these', () => {
    const [first = ''] = places(TOP);
    mkdirSync(first);
    makeCgroup(cgroups, `${TOP}/box`);
    removeCgroupAndParents(cgroups, `${TOP}/box`);
    assert.equal(
      places(TOP).filter((path) => existsSync(path)),
      [first],
    );
    rmdirSync(first);
  });

  test('a cgroup that holds another one stays', () => {
    makeCgroup(cgroups, `${TOP}/box`);
    makeCgroup(cgroups, `${TOP}/box/inner`);
    removeCgroupAndParents(cgroups, `${TOP}/box`);
    assert.ok(isThere(`${TOP}/box/inner`));
    removeCgroupAndParents(cgroups, `${TOP}/box/inner`);
    removeCgroupAndParents(cgroups, `${TOP}/box`);
    assert.not.ok(isThere(TOP));
  });

  test('refuses a parent that is a file of the kernel', () => {
    assert.throws(() => makeCgroup(cgroups, '/cgroup.procs/box'), /ENOTDIR/);
  });
});
