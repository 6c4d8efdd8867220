import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {closeSync, constants, existsSync, mkdirSync, openSync, readFileSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {loadSyscalls} from '../../src/host/syscalls.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';

describe('host/syscalls', ({test}) => {
  const syscalls = loadSyscalls();
  const withRoot = (use: (rootFd: number, path: string) => void) => {
    using directory = makeTemporaryDirectory();
    const rootFd = openSync(directory.path, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      use(rootFd, directory.path);
    } finally {
      closeSync(rootFd);
    }
  };
  const readIn = (rootFd: number, path: string): string => {
    const fd = syscalls.openInRoot(rootFd, path, constants.O_RDONLY);
    try {
      return readFileSync(fd, 'utf8');
    } finally {
      closeSync(fd);
    }
  };

  test('opens below a root what symlinks and .. would find outside', () =>
    withRoot((rootFd, path) => {
      mkdirSync(join(path, 'etc'));
      writeFileSync(join(path, 'etc/hostname'), 'inside');
      symlinkSync('/etc/hostname', join(path, 'absolute'));
      symlinkSync('../../../../etc/hostname', join(path, 'relative'));
      for (const name of ['absolute', 'relative', '../../etc/hostname', '/etc/hostname']) {
        assert.is(readIn(rootFd, name), 'inside');
      }
    }));

  test('finds its way up while something is renamed all the time', async () => {
    using directory = makeTemporaryDirectory();
    using rename = startRenaming(directory.path);
    mkdirSync(join(directory.path, 'etc'));
    writeFileSync(join(directory.path, 'etc/hostname'), 'inside');
    const rootFd = openSync(directory.path, constants.O_RDONLY | constants.O_DIRECTORY);
    await rename.begun;
    const path = `${'etc/../'.repeat(20)}etc/hostname`;
    for (let round = 0; round < 3000; round++) assert.is(readIn(rootFd, path), 'inside');
    closeSync(rootFd);
  });

  test('creates with a mode, and not through a magic link', () =>
    withRoot((rootFd, path) => {
      const {O_WRONLY, O_CREAT, O_EXCL, O_RDONLY} = constants;
      closeSync(syscalls.openInRoot(rootFd, 'new', O_WRONLY | O_CREAT | O_EXCL, 0o600));
      assert.ok(existsSync(join(path, 'new')));
      const proc = openSync('/proc', O_RDONLY);
      assert.throws(() => syscalls.openInRoot(proc, 'self/exe', O_RDONLY), /ELOOP/);
      closeSync(proc);
    }));

  test('descriptors are not inherited by programs', () =>
    withRoot((rootFd) => {
      const fd = syscalls.openInRoot(rootFd, '.', constants.O_RDONLY);
      const [, flags = ''] = /flags:\s+(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8')) ?? [];
      closeSync(fd);
      assert.ok(Number.parseInt(flags, 8) & 0o2000000);
    }));

  test('makes and removes one component below an open directory', () =>
    withRoot((rootFd, path) => {
      syscalls.makeDirectoryAt(rootFd, 'directory', 0o700);
      writeFileSync(join(path, 'file'), '');
      syscalls.unlinkAt(rootFd, 'file');
      assert.not.ok(existsSync(join(path, 'file')));
      assert.throws(() => syscalls.unlinkAt(rootFd, 'directory'), /EISDIR/);
    }));

  test('failures are system errors as Node makes them', () =>
    withRoot((rootFd) => {
      try {
        syscalls.openInRoot(rootFd, 'absent', constants.O_RDONLY);
        assert.unreachable();
      } catch (error) {
        const {code, errno, syscall, path, message} = error as NodeJS.ErrnoException;
        assert.equal([code, errno, syscall, path], ['ENOENT', -2, 'openat2', 'absent']);
        assert.is(message, "ENOENT: no such file or directory, openat2 'absent'");
      }
      assert.throws(() => syscalls.mount('none', '/nowhere', 'tmpfs', 0, null), /ENOENT|EPERM/);
      assert.throws(() => syscalls.unmount('/nowhere', 0), /ENOENT|EPERM/);
    }));
});

function startRenaming(directory: string) {
  const script = `
    const {writeFileSync, renameSync} = require('node:fs');
    writeFileSync('one', '');
    console.log('begun');
    for (;;) { renameSync('one', 'two'); renameSync('two', 'one'); }`;
  const child = spawn(process.execPath, ['-e', script], {cwd: directory, stdio: ['ignore', 'pipe', 'inherit']});
  return {begun: once(child.stdout, 'data'), [Symbol.dispose]: () => void child.kill('SIGKILL')};
}
