import {execFileSync} from 'node:child_process';
import {mkdirSync, readdirSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {readFileInRoot} from '../../src/host/root-files.ts';
import {loadSyscalls} from '../../src/host/syscalls.ts';
import {codeOf} from '../helpers/code-of.ts';
import {describe} from '../helpers/suite.ts';
import {makeRootfs} from './rootfs-fixture.ts';

describe('host/root-files', ({test, before, after}) => {
  const syscalls = loadSyscalls();
  const image = makeRootfs();
  const read = (path: string, limitBytes = 1000) =>
    readFileInRoot(syscalls, image.rootFd, {path, limitBytes})?.toString() ?? null;

  before(() => {
    image.write('etc/passwd', 'root:x:0:0::/:');
    image.link('etc/absolute', '/etc/passwd');
    image.link('etc/climbing', '../../../../etc/passwd');
    image.link('etc/outside', join(image.directory, 'canary'));
    image.link('etc/up', '../../canary');
    image.link('etc/loop', 'loop');
    image.link('proc/self', '/proc/self/root');
    mkdirSync(join(image.rootfs, 'etc/directory'));
    execFileSync('mkfifo', [join(image.rootfs, 'etc/fifo')]);
  });
  after(() => image.remove());

  test('follows symlinks within the rootfs only', () => {
    assert.is(read('/etc/passwd'), 'root:x:0:0::/:');
    assert.is(read('/etc/absolute'), 'root:x:0:0::/:');
    assert.is(read('/etc/climbing'), 'root:x:0:0::/:');
    assert.is(read('/etc/outside'), null);
    assert.is(read('/etc/up'), null);
  });

  test('finds nothing where nothing is', () => {
    for (const path of ['/missing', '/etc/passwd/x', '/etc/loop', '/proc/self/etc/passwd', `/${'x'.repeat(300)}`]) {
      assert.is(read(path), null, path);
    }
  });

  test('refuses a FIFO without waiting for it, and a directory (CVE-2024-9676)', () => {
    for (const path of ['/etc/fifo', '/etc/directory', '/']) {
      assert.is(
        codeOf(() => read(path)),
        'ROOTFS_FILE_INVALID',
        path,
      );
    }
  });

  test('refuses one byte more than the limit (CVE-2026-47262)', () => {
    const size = 'root:x:0:0::/:'.length;
    assert.is(read('/etc/passwd', size)?.length, size);
    assert.is(
      codeOf(() => read('/etc/passwd', size - 1)),
      'ROOTFS_FILE_INVALID',
    );
  });

  test('reads a file of many chunks whole', () => {
    image.write('etc/big', 'x'.repeat(200_000));
    assert.is(read('/etc/big', 200_000)?.length, 200_000);
  });

  test('leaves no descriptor open', () => {
    const open = () => readdirSync('/proc/self/fd').length;
    const count = open();
    for (const path of ['/etc/passwd', '/missing', '/etc/outside']) read(path);
    codeOf(() => read('/etc/fifo'));
    assert.is(open(), count);
  });
});
