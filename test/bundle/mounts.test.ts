import * as assert from 'uvu/assert';
import type {ContainerOptions, MountRequest} from '../../src/bundle/container-options.ts';
import {createMounts, initTarget} from '../../src/bundle/mounts.ts';
import {codeOf} from '../helpers/code-of.ts';
import {describe} from '../helpers/suite.ts';

const FILES = {hosts: '/r/hosts', hostname: '/r/hostname', resolvConf: '/r/resolv.conf'};
const mountsOf = (options: ContainerOptions, networkFiles: typeof FILES | null = null) =>
  createMounts({options, networkFiles, canLockRecursively: true});
const destinations = (options: ContainerOptions, files: typeof FILES | null = null) =>
  mountsOf(options, files).map(({destination}) => destination);
const optionsAt = (options: ContainerOptions, path: string) =>
  mountsOf(options, FILES).find(({destination}) => destination === path)?.options ?? [];
const bind = (target: string): MountRequest => ({
  type: 'bind',
  source: '/srv',
  target,
  readOnly: false,
  createSource: false,
});

describe('bundle/mounts', ({test}) => {
  test('gives docker’s file systems, /sys and cgroups read-only, 64 MiB of shared memory', () => {
    const expected = ['/proc', '/dev', '/sys', '/dev/pts', '/dev/shm', '/dev/mqueue', '/sys/fs/cgroup'];
    assert.equal(destinations({}), expected);
    assert.ok(optionsAt({}, '/sys').includes('ro') && optionsAt({}, '/sys/fs/cgroup').includes('ro'));
    assert.ok(optionsAt({}, '/dev/shm').includes('size=67108864'));
    assert.ok(optionsAt({shmBytes: 1024}, '/dev/shm').includes('size=1024'));
  });

  test('opens /sys and cgroups to a privileged container', () => {
    assert.not.ok(optionsAt({privileged: true}, '/sys').includes('ro'));
    assert.not.ok(optionsAt({privileged: true}, '/sys/fs/cgroup').includes('ro'));
  });

  test('lets the caller’s mount take the place of ours', () => {
    const options = {mounts: [bind('/etc/hosts'), bind('/dev/shm/')]};
    const sources = mountsOf(options, FILES).filter(({destination}) => /hosts|shm/.test(destination));
    assert.equal(
      sources.map(({source}) => source),
      ['/srv', '/srv'],
    );
  });

  test('mounts nothing of ours into a /dev of the caller, the init program neither', () => {
    const options = {mounts: [bind('//dev/')], initPath: '/usr/bin/tini'};
    assert.equal(
      destinations(options).filter((path) => path.startsWith('/dev')),
      ['/dev'],
    );
    assert.is(initTarget(options), '/run/winch-init');
    assert.is(initTarget({}), '/dev/init');
  });

  test('orders parents before children, whatever the order asked', () => {
    const order = destinations({mounts: [bind('/a/b/c'), bind('/a/b'), bind('/a')]});
    assert.ok(order.indexOf('/a') < order.indexOf('/a/b') && order.indexOf('/a/b') < order.indexOf('/a/b/c'));
  });

  test('locks our files under a read-only rootfs, but not what programs must write or the caller mounts', () => {
    const options = {readOnlyRootfs: true, mounts: [bind('/data')]};
    assert.ok(optionsAt(options, '/etc/hosts').includes('ro'));
    for (const path of ['/data', '/dev', '/dev/shm', '/proc'])
      assert.not.ok(optionsAt(options, path).includes('ro'), path);
  });

  test('mounts no network files into a plain bundle', () => {
    assert.not.ok(destinations({}).some((path) => path.startsWith('/etc')));
  });

  test('refuses two mounts at one target, however written', () => {
    assert.is(
      codeOf(() => mountsOf({mounts: [bind('/a'), bind('/a/')]})),
      'MOUNT_INVALID',
    );
  });
});
