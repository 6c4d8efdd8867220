import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import {readdirSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {setImmediate as nextTurn} from 'node:timers/promises';
import {fileURLToPath} from 'node:url';
import {setFlagsFromString} from 'node:v8';
import {runInNewContext} from 'node:vm';
import * as assert from 'uvu/assert';
import {type LockMode, openLockDirectory} from '../../src/host/locks.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {missingFor} from '../helpers/requires.ts';
import {runOnDisk} from '../helpers/run-on-disk.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';

const HOLDER = fileURLToPath(new URL('lock-holder.ts', import.meta.url));
const skip = missingFor('unshare', 'mount');

describe('host/locks', ({test}) => {
  const holdElsewhere = async (directory: string, mode: LockMode, milliseconds?: number): Promise<ChildProcess> => {
    const more = milliseconds === undefined ? [] : [String(milliseconds)];
    const child = spawn(process.execPath, [HOLDER, directory, 'a', mode, ...more], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [said] = await once(child.stdout, 'data');
    assert.is(String(said), 'held\n');
    return child;
  };
  const kill = async (child: ChildProcess) => {
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  };

  test('one exclusive holder keeps everybody else out, also in the same process', () => {
    using directory = makeTemporaryDirectory();
    const locks = openLockDirectory(directory.path);
    {
      using held = locks.tryAcquire('a', 'exclusive');
      assert.ok(held);
      assert.is(locks.tryAcquire('a', 'exclusive'), null);
      assert.is(locks.tryAcquire('a', 'shared'), null);
      assert.ok(locks.tryAcquire('b', 'exclusive'));
    }
    assert.ok(locks.tryAcquire('a', 'shared'));
  });

  test('shared holders keep only an exclusive one out', () => {
    using directory = makeTemporaryDirectory();
    const locks = openLockDirectory(directory.path);
    const first = locks.tryAcquire('a', 'shared');
    const second = locks.tryAcquire('a', 'shared');
    assert.is(locks.tryAcquire('a', 'exclusive'), null);
    first?.release();
    assert.is(locks.tryAcquire('a', 'exclusive'), null);
    second?.release();
    assert.ok(locks.tryAcquire('a', 'exclusive'));
  });

  test('a lock that nobody refers to any more is still held', async () => {
    using directory = makeTemporaryDirectory();
    const locks = openLockDirectory(directory.path);
    locks.tryAcquire('a', 'exclusive');
    setFlagsFromString('--expose-gc');
    const collect: () => void = runInNewContext('gc');
    for (let round = 0; round < 3; round++) {
      collect();
      await nextTurn();
    }
    assert.is(locks.tryAcquire('a', 'exclusive'), null);
  });

  test('releasing twice does not release the next holder', () => {
    using directory = makeTemporaryDirectory();
    const locks = openLockDirectory(directory.path);
    const first = locks.tryAcquire('a', 'exclusive');
    first?.release();
    using _second = locks.tryAcquire('a', 'exclusive');
    first?.release();
    assert.is(locks.tryAcquire('a', 'exclusive'), null);
  });

  test('a lock of a killed process is free at once and leaves no journal', async () => {
    using directory = makeTemporaryDirectory();
    const locks = openLockDirectory(directory.path);
    for (const mode of ['exclusive', 'shared'] as const) {
      const child = await holdElsewhere(directory.path, mode);
      assert.is(locks.tryAcquire('a', 'exclusive'), null);
      await kill(child);
      locks.tryAcquire('a', 'exclusive')?.release();
      assert.equal(readdirSync(directory.path), ['a.lock']);
    }
  });

  test('a waiter is told once, and goes on when the holder ends', async () => {
    using directory = makeTemporaryDirectory();
    const child = await holdElsewhere(directory.path, 'exclusive', 150);
    const exited = once(child, 'exit');
    let waits = 0;
    const onWait = () => {
      waits += 1;
    };
    using lock = await openLockDirectory(directory.path).acquire('a', {mode: 'shared', onWait});
    assert.ok(lock);
    assert.is(waits, 1);
    await exited;
  });

  test('nobody is told of a wait when the lock is free', async () => {
    using directory = makeTemporaryDirectory();
    const onWait = () => assert.unreachable('there was nothing to wait for');
    using lock = await openLockDirectory(directory.path).acquire('a', {mode: 'exclusive', onWait});
    assert.ok(lock);
  });

  test('an abort ends the wait with its own reason and takes nothing', async () => {
    using directory = makeTemporaryDirectory();
    const locks = openLockDirectory(directory.path);
    const held = locks.tryAcquire('a', 'exclusive');
    const reason = new Error('enough');
    const controller = new AbortController();
    const waiting = rejectionOf(locks.acquire('a', {mode: 'exclusive', signal: controller.signal}));
    controller.abort(reason);
    assert.is(await waiting, reason);
    held?.release();
    assert.is(await rejectionOf(locks.acquire('a', {mode: 'exclusive', signal: controller.signal})), reason);
    assert.ok(locks.tryAcquire('a', 'exclusive'));
  });

  test('a wait with a limit ends by name', async () => {
    using directory = makeTemporaryDirectory();
    const locks = openLockDirectory(directory.path);
    using _held = locks.tryAcquire('a', 'exclusive');
    const error = await rejectionOf(locks.acquire('a', {mode: 'shared', timeoutMs: 10}));
    assert.is(error.code, 'LOCK_TIMEOUT');
    assert.match(error.message, 'lock a');
  });

  test('a holder that gets on is waited for beyond the limit, until it gets on no more', async () => {
    using directory = makeTemporaryDirectory();
    const locks = openLockDirectory(directory.path);
    using _held = locks.tryAcquire('a', 'exclusive');
    const steps = [1, 2, 3, 4, 4, 5];
    let looks = 0;
    const readProgress = () => steps[looks++] ?? -1;
    const start = performance.now();
    const error = await rejectionOf(locks.acquire('a', {mode: 'shared', timeoutMs: 10, readProgress}));
    assert.is(error.code, 'LOCK_TIMEOUT');
    assert.is(looks, 5);
    assert.ok(performance.now() - start >= 40);
  });

  test('many waiters each get an exclusive lock in turn', async () => {
    using directory = makeTemporaryDirectory();
    const locks = openLockDirectory(directory.path);
    let holders = 0;
    const work = async () => {
      using _lock = await locks.acquire('a', {mode: 'exclusive'});
      holders += 1;
      assert.is(holders, 1);
      await Promise.resolve();
      holders -= 1;
    };
    await Promise.all(Array.from({length: 12}, work));
  });

  test('locks that come and go leave no open file', () => {
    using directory = makeTemporaryDirectory();
    const locks = openLockDirectory(directory.path);
    const openFiles = () => readdirSync('/proc/self/fd').length;
    locks.tryAcquire('a', 'exclusive')?.release();
    const before = openFiles();
    const held = locks.tryAcquire('b', 'exclusive');
    for (let round = 0; round < 50; round += 1) {
      locks.tryAcquire('a', 'shared')?.release();
      locks.tryAcquire('b', 'exclusive');
    }
    held?.release();
    assert.is(openFiles(), before);
  });

  test(
    'a directory nobody may write refuses instead of excluding nobody',
    async () => {
      using directory = makeTemporaryDirectory();
      const request = {directory: directory.path, options: 'size=1m', prepare: 'touch a.lock && mount -o remount,ro .'};
      assert.equal(runOnDisk(new URL('lock-program.ts', import.meta.url), request), ['EROFS', 'EROFS']);
    },
    {skip},
  );

  test(
    'a full disk is named when a lock file cannot be made, and existing locks go on',
    () => {
      using directory = makeTemporaryDirectory();
      const request = {directory: directory.path, options: 'nr_inodes=2', prepare: 'touch a.lock'};
      assert.equal(runOnDisk(new URL('lock-program.ts', import.meta.url), request), ['held', 'ENOSPC']);
    },
    {skip},
  );

  test('the directory is made for its owner alone', () => {
    using directory = makeTemporaryDirectory();
    const below = join(directory.path, 'below');
    openLockDirectory(below).tryAcquire('a', 'shared')?.release();
    assert.is(statSync(below).mode & 0o777, 0o700);
  });
});
