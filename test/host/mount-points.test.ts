import {lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {
  type MountPoint,
  prepareMountPoints,
  prepareWorkingDirectory,
  requireHarmlessDirectory,
} from '../../src/host/mount-points.ts';
import {loadSyscalls} from '../../src/host/syscalls.ts';
import {codeOf} from '../helpers/code-of.ts';
import {describe} from '../helpers/suite.ts';
import {makeRootfs, type RootfsFixture} from './rootfs-fixture.ts';

const directory = (path: string): MountPoint => ({path, kind: 'directory'});
const file = (path: string): MountPoint => ({path, kind: 'file'});

describe('host/mount-points', ({test}) => {
  const syscalls = loadSyscalls();

  /** Runs `body` over a fresh rootfs and checks that nothing outside of it changed and no descriptor stayed open. */
  const testRootfs = (title: string, body: (image: RootfsFixture) => void) =>
    test(title, () => {
      const image = makeRootfs();
      try {
        const descriptors = readdirSync('/proc/self/fd').length;
        body(image);
        // Earlier tests of this process may be closing some of theirs meanwhile.
        assert.ok(readdirSync('/proc/self/fd').length <= descriptors, 'descriptors are closed');
        assert.equal(readdirSync(image.directory).sort(), ['canary', 'rootfs']);
        assert.is(readFileSync(join(image.directory, 'canary'), 'utf8'), 'untouched');
      } finally {
        image.remove();
      }
    });
  const statIn = (image: RootfsFixture, path: string) => lstatSync(join(image.rootfs, path));

  testRootfs('gives a directory that it makes a mode, and one that is there only when it has to', (image) => {
    for (const path of ['there', 'asked']) mkdirSync(join(image.rootfs, path), {mode: 0o750});
    const modes = {mode: 0o1777};
    const points = [...['/new', '/there'].map(directory), {...directory('/asked'), hasToHaveMode: true}];
    prepareMountPoints(
      syscalls,
      image.rootFd,
      points.map((point) => ({...point, ...modes})),
    );
    const found = ['new', 'there', 'asked'].map((path) => (statIn(image, path).mode & 0o7777).toString(8));
    assert.equal(found, ['1777', '750', '1777']);
  });

  testRootfs('replaces symlinks where only the kernel’s file systems belong (CVE-2026-41579)', (image) => {
    image.link('dev', join(image.directory, 'canary'));
    image.link('proc', '/dev');
    image.link('sys', '../..');
    image.write('etc/hosts', 'kept');
    image.link('etc/resolv.conf', '../../canary');
    image.link('etc/hostname', '/dev/null');
    const points = [...['/proc', '/dev', '/sys'].map(directory), directory('/dev/pts')];
    prepareMountPoints(syscalls, image.rootFd, [
      ...points,
      ...['/etc/hosts', '/etc/resolv.conf', '/etc/hostname'].map(file),
    ]);
    for (const path of ['dev', 'proc', 'sys']) assert.ok(statIn(image, path).isDirectory(), path);
    for (const path of ['resolv.conf', 'hostname']) assert.ok(statIn(image, `etc/${path}`).isFile(), path);
    assert.is(readFileSync(join(image.rootfs, 'etc/hosts'), 'utf8'), 'kept');
    assert.equal(readdirSync(join(image.rootfs, 'dev')), []);
  });

  testRootfs('makes what is missing with its parents, whatever the umask', (image) => {
    const umask = process.umask(0o077);
    try {
      prepareMountPoints(syscalls, image.rootFd, [directory('/a/b'), file('/c/d')]);
    } finally {
      process.umask(umask);
    }
    const modes = ['a', 'a/b', 'c', 'c/d'].map((path) => (statIn(image, path).mode & 0o7777).toString(8));
    assert.equal(modes, ['755', '755', '755', '644']);
    assert.ok(statIn(image, 'c/d').isFile());
  });

  testRootfs('follows other symlinks within the rootfs, dangling ones too', (image) => {
    mkdirSync(join(image.rootfs, 'usr'));
    image.link('data', '/../../usr');
    image.link('new', '../../../made/here');
    image.link('away', join(image.directory, 'away'));
    const points = ['/data/in', '/new/x', '/away'].map(directory);
    prepareMountPoints(syscalls, image.rootFd, points);
    assert.ok(statIn(image, 'usr/in').isDirectory());
    assert.ok(statIn(image, 'made/here/x').isDirectory());
    assert.is(readlinkSync(join(image.rootfs, 'away')), join(image.directory, 'away'));
  });

  testRootfs('makes nothing below another mount', (image) => {
    prepareMountPoints(syscalls, image.rootFd, ['/dev', '/dev/shm', '/dev/pts'].map(directory));
    assert.equal(readdirSync(join(image.rootfs, 'dev')), []);
  });

  testRootfs('refuses a file for a directory and the reverse', (image) => {
    image.write('file', '');
    mkdirSync(join(image.rootfs, 'directory'));
    for (const point of [directory('/file'), file('/directory')]) {
      assert.is(
        codeOf(() => prepareMountPoints(syscalls, image.rootFd, [point])),
        'MOUNT_POINT_INVALID',
      );
    }
  });

  testRootfs('makes the working directory, through symlinks of the image', (image) => {
    mkdirSync(join(image.rootfs, 'srv'));
    image.link('app', 'srv/app');
    for (const path of ['/app/src', '/', '/srv']) prepareWorkingDirectory(syscalls, image.rootFd, path);
    assert.ok(statIn(image, 'srv/app/src').isDirectory());
  });

  testRootfs('U01 refuses a working directory that symlinks lead out (CVE-2024-21626)', (image) => {
    image.link('a', '/proc/self/fd/7');
    image.link('b', 'a/x');
    image.link('loop', 'loop');
    image.link('device', '../dev');
    image.write('file', '');
    image.link('deep', '/proc/self/fd/7/../../../../../..');
    for (const path of [
      '/a',
      '/b',
      '/a/../../..',
      '/a/../../../..',
      '/deep',
      '/deep/srv',
      '/loop',
      '/device/shm',
      '/file',
      '/file/x',
    ]) {
      assert.is(
        codeOf(() => prepareWorkingDirectory(syscalls, image.rootFd, path)),
        'WORKING_DIRECTORY_INVALID',
        path,
      );
    }
    assert.not.ok(readdirSync(image.rootfs).includes('proc'));
  });

  testRootfs('U01 refuses a working directory that symlinks of a mount lead out', (image) => {
    const trees = {outer: join(image.rootfs, 'trees/outer'), inner: join(image.rootfs, 'trees/inner')};
    for (const path of Object.values(trees)) mkdirSync(path, {recursive: true});
    mkdirSync(join(trees.outer, 'plain/below'), {recursive: true});
    symlinkSync('/proc/self/fd/7', join(trees.outer, 'out'));
    symlinkSync('plain/below', join(trees.outer, 'harmless'));
    symlinkSync('/srv/hidden', join(trees.outer, 'covered'));
    symlinkSync('../../outer/out', join(trees.inner, 'beside'));
    symlinkSync('/proc', join(trees.outer, 'in'));
    image.link('app', '/outer/out');
    const tree = {
      rootFd: image.rootFd,
      mounts: [
        {target: '/outer', source: trees.outer},
        {target: '/outer/in', source: trees.inner},
      ],
    };
    for (const path of [
      '/outer',
      '/outer/plain',
      '/outer/harmless/x',
      '/outer/covered',
      '/outer/in/x',
      '/outer/none',
    ]) {
      requireHarmlessDirectory(syscalls, tree, path);
    }
    for (const path of ['/outer/out', '/app', '/outer/in/beside', '/outer/harmless/../../out/x']) {
      assert.is(
        codeOf(() => requireHarmlessDirectory(syscalls, tree, path)),
        'WORKING_DIRECTORY_INVALID',
        path,
      );
    }
  });
});
