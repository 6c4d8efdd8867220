import {lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {buildTar} from '../../fixtures/build-tar.ts';
import {erofsSnapshotter} from '../../src/snapshots/erofs.ts';
import {usePrivateMounts} from '../../src/snapshots/private-mounts.ts';
import {probeErofs} from '../../src/snapshots/probe-erofs.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';
import {makeLayerFixture} from '../layers/layer-fixture.ts';
import {mountSkip as skip} from '../layers/mounted-tree.ts';

describe('snapshots/private-mounts', ({test: declare, after}) => {
  const files = makeLayerFixture();
  after(files.remove);
  const test = (title: string, body: () => unknown) => declare(title, body, {skip});
  const mountTable = () => readFileSync('/proc/self/mountinfo', 'utf8');
  const scratchAt = (target: string) => ({type: 'tmpfs', target, options: 'mode=700'}) as const;

  test('copies a mounted tree out with all that files have, and leaves nothing mounted', async () => {
    using directory = makeTemporaryDirectory();
    const tar = buildTar([
      {path: 'd', type: 'directory', mode: 0o1777},
      {path: 'd/file', content: 'text', mode: 0o4711, uid: 7, gid: 8, mtime: 1_000_000_000},
      {path: 'd/hard', type: 'hardlink', linkPath: 'd/file'},
      {path: 'soft', type: 'symlink', linkPath: '/d/file'},
      {path: 'device', type: 'character', devMajor: 1, devMinor: 3},
    ]);
    const layers = [await files.write(tar)];
    const {path, mounts} = erofsSnapshotter.prepare({layers, directory: directory.path, writable: {type: 'none'}});
    const before = mountTable();
    const copy = join(files.path(), 'rootfs');
    mkdirSync(join(copy, '..'));
    await usePrivateMounts({mounts: [scratchAt(directory.path), ...mounts], copy: {source: path, target: copy}});
    assert.is(mountTable(), before);
    assert.equal(readdirSync(directory.path), []);
    const found = lstatSync(join(copy, 'd/file'));
    assert.equal([found.mode & 0o7777, found.uid, found.gid, found.mtimeMs, found.nlink], [0o4711, 7, 8, 1e12, 2]);
    assert.is(lstatSync(join(copy, 'd')).mode & 0o7777, 0o1777);
    assert.is(readlinkSync(join(copy, 'soft')), '/d/file');
    assert.is(lstatSync(join(copy, 'device')).rdev, 0x103);
  });

  test('failures come back with their code', async () => {
    using directory = makeTemporaryDirectory();
    const erofs = {type: 'erofs', source: '/absent', target: directory.path} as const;
    const error = await rejectionOf(usePrivateMounts({mounts: [erofs], copy: null}));
    assert.equal([error.name, error.code], ['WinchError', 'STORE_CORRUPT']);
    const copy = {source: '/absent', target: join(directory.path, 'copy')};
    assert.is((await rejectionOf(usePrivateMounts({mounts: [], copy}))).code, 'COPY_FAILED');
  });

  test('a copy that fills the disk says so', async () => {
    using directory = makeTemporaryDirectory();
    const source = files.path();
    mkdirSync(source);
    writeFileSync(join(source, 'large'), Buffer.alloc(200_000));
    const disk = {type: 'tmpfs', target: directory.path, options: 'size=64k'} as const;
    const copy = {source, target: join(directory.path, 'copy')};
    assert.is((await rejectionOf(usePrivateMounts({mounts: [disk], copy}))).code, 'STORE_FULL');
  });

  test('an abort ends the copy with its own reason', async () => {
    using directory = makeTemporaryDirectory();
    const reason = new Error('enough');
    const controller = new AbortController();
    const {signal} = controller;
    // As much as a copy can read in seconds; the abort comes earlier.
    const copy = {source: '/usr', target: join(directory.path, 'copy')};
    const copying = rejectionOf(usePrivateMounts({mounts: [], copy}, {signal}));
    setTimeout(() => controller.abort(reason), 100);
    assert.is(await copying, reason);
    assert.is(await rejectionOf(usePrivateMounts({mounts: [], copy}, {signal})), reason);
  });

  test('probes without leaving a trace', async () => {
    using directory = makeTemporaryDirectory();
    const before = mountTable();
    const runtimeDirectory = join(directory.path, 'run');
    assert.equal(await probeErofs(runtimeDirectory), {name: 'erofs', usable: true, reason: null});
    assert.equal(readdirSync(runtimeDirectory), []);
    assert.is(mountTable(), before);
  });
});
