import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import * as assert from 'uvu/assert';
import {describeHolder, findLockHolder, SHARED_BYTE} from '../../src/host/find-lock-holder.ts';
import {type LockMode, openLockDirectory} from '../../src/host/locks.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';

const HOLDER = fileURLToPath(new URL('lock-holder.ts', import.meta.url));

/** Holds the lock `a` in another process until it is killed. */
async function holdElsewhere(directory: string, mode: LockMode, program = HOLDER, before: readonly string[] = []) {
  const words = [program, ...before, directory, 'a', mode];
  const child = spawn(process.execPath, words, {stdio: ['ignore', 'pipe', 'inherit']});
  const [said] = await once(child.stdout, 'data');
  assert.is(String(said), 'held\n');
  return {
    pid: Number(child.pid),
    kill: async () => {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
}

describe('host/find-lock-holder', ({test}) => {
  for (const mode of ['exclusive', 'shared'] as const) {
    test(`names the process that holds a lock ${mode}, and nobody once it is killed`, async () => {
      using directory = makeTemporaryDirectory();
      const locks = openLockDirectory(directory.path);
      assert.is(locks.findHolder('a'), null);
      const holder = await holdElsewhere(directory.path, mode);
      const found = locks.findHolder('a');
      assert.is(found?.pid, holder.pid);
      assert.is(found?.command, 'node');
      const {runningSeconds = -1} = found ?? {};
      assert.ok(runningSeconds >= 0 && runningSeconds < 60, String(runningSeconds));
      await holder.kill();
      assert.is(locks.findHolder('a'), null);
    });
  }

  test('a look does not take, drop or hinder any lock', async () => {
    using directory = makeTemporaryDirectory();
    const locks = openLockDirectory(directory.path);
    using _own = locks.tryAcquire('a', 'exclusive');
    assert.is(locks.findHolder('a'), null, 'this process is nobody to wait for');
    assert.is(openLockDirectory(directory.path).tryAcquire('a', 'shared'), null);
    const attempt = spawn(process.execPath, [HOLDER, directory.path, 'a', 'exclusive'], {stdio: 'pipe'});
    assert.is(String((await once(attempt.stdout, 'data'))[0]), 'refused\n');
  });

  test('a lock on another byte, or of another file, is somebody else’s', async () => {
    using directory = makeTemporaryDirectory();
    const holder = await holdElsewhere(directory.path, 'exclusive');
    writeFileSync(join(directory.path, 'b.lock'), '');
    const locks = openLockDirectory(directory.path);
    assert.is(locks.findHolder('b'), null);
    assert.is(locks.findHolder('missing'), null);
    assert.is(findLockHolder({path: join(directory.path, 'a.lock'), offset: 7}), null);
    assert.is(findLockHolder({path: join(directory.path, 'a.lock'), offset: SHARED_BYTE})?.pid, holder.pid);
    await holder.kill();
  });

  const commands: readonly [words: readonly string[], command: string][] = [
    [['pull', '--creds', 'me:secret'], 'winch pull'],
    [['-q', 'run'], 'winch run'],
    [['--progress', 'json', 'pull'], 'winch'],
    [['--creds=me:secret', 'pull'], 'winch'],
    [[], 'winch'],
  ];
  for (const [words, command] of commands) {
    test(`calls winch ${words.join(' ')} "${command}"`, async () => {
      using directory = makeTemporaryDirectory();
      const program = join(directory.path, 'winch.js');
      // Takes the last three words, whatever is in front of them.
      writeFileSync(program, `process.argv.splice(2, ${words.length}); await import(${JSON.stringify(HOLDER)});`);
      writeFileSync(join(directory.path, 'package.json'), '{"type":"module"}');
      const below = join(directory.path, 'locks');
      mkdirSync(below);
      const holder = await holdElsewhere(below, 'exclusive', program, words);
      assert.is(openLockDirectory(below).findHolder('a')?.command, command);
      await holder.kill();
    });
  }

  test('a waiter is told whom it waits for, and gives up naming it', async () => {
    using directory = makeTemporaryDirectory();
    const holder = await holdElsewhere(directory.path, 'exclusive');
    const told: (number | undefined)[] = [];
    const onWait = (found: {readonly pid: number} | null) => void told.push(found?.pid);
    const waiting = openLockDirectory(directory.path).acquire('a', {mode: 'exclusive', timeoutMs: 20, onWait});
    const error = await rejectionOf(waiting);
    assert.is(error.code, 'LOCK_TIMEOUT');
    assert.match(error.message, new RegExp(`^pid ${holder.pid} \\(node, started \\d+ s ago\\) has held the lock a`));
    assert.equal(told, [holder.pid]);
    await holder.kill();
  });

  test('reads as a part of a sentence', () => {
    assert.is(
      describeHolder({pid: 7, command: 'winch pull', runningSeconds: 12.4}),
      'pid 7 (winch pull, started 12 s ago)',
    );
  });
});
