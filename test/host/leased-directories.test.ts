import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import * as assert from 'uvu/assert';
import {createLeasedDirectory, sweepLeasedDirectories} from '../../src/host/leased-directories.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';

const HOLDER = fileURLToPath(new URL('directory-holder.ts', import.meta.url));

describe('host/leased-directories', ({test}) => {
  const clearNothing = async () => {};

  test('a leased directory is private and goes with its lock', async () => {
    using parent = makeTemporaryDirectory();
    const leased = createLeasedDirectory(parent.path, 'one');
    assert.is(statSync(leased.path).mode & 0o777, 0o700);
    writeFileSync(join(leased.path, 'file'), 'x');
    await leased.remove();
    await leased.remove();
    assert.equal(readdirSync(parent.path), ['.locks']);
    assert.equal(readdirSync(join(parent.path, '.locks')), []);
  });

  test('a sweep spares what is in use and says so', async () => {
    using parent = makeTemporaryDirectory();
    const leased = createLeasedDirectory(parent.path, 'one');
    const cleared: string[] = [];
    const report = await sweepLeasedDirectories(parent.path, async (name) => void cleared.push(name));
    assert.equal(report, {inUse: ['one'], failures: []});
    assert.equal(cleared, []);
    assert.ok(existsSync(leased.path));
    await leased.remove();
  });

  test('a sweep clears what a killed process left, its directory last', async () => {
    using parent = makeTemporaryDirectory();
    const holder = spawn(process.execPath, [HOLDER, parent.path, 'dead'], {stdio: ['ignore', 'pipe', 'inherit']});
    await once(holder.stdout, 'data');
    assert.equal((await sweepLeasedDirectories(parent.path, clearNothing)).inUse, ['dead']);
    const exited = once(holder, 'exit');
    holder.kill('SIGKILL');
    await exited;
    const seen: boolean[] = [];
    await sweepLeasedDirectories(parent.path, async (name) => void seen.push(existsSync(join(parent.path, name))));
    assert.equal(seen, [true]);
    assert.equal(readdirSync(parent.path), ['.locks']);
    assert.equal(readdirSync(join(parent.path, '.locks')), []);
  });

  test('a sweep takes old locks without a directory along, and no others', async () => {
    using parent = makeTemporaryDirectory();
    const leased = createLeasedDirectory(parent.path, 'held');
    const lockOf = (name: string) => join(parent.path, '.locks', `${name}.lock`);
    for (const name of ['old', 'new']) writeFileSync(lockOf(name), '');
    for (const name of ['old', 'held']) utimesSync(lockOf(name), 0, 0);
    await sweepLeasedDirectories(parent.path, clearNothing);
    assert.equal(readdirSync(join(parent.path, '.locks')).toSorted(), ['held.lock', 'new.lock']);
    leased.remove();
  });

  test('what cannot be cleared is reported, stays, and keeps nothing else', async () => {
    using parent = makeTemporaryDirectory();
    for (const name of ['a', 'b', 'c']) mkdirSync(join(parent.path, name));
    const failure = new Error('its runtime is gone');
    const clear = async (name: string) => {
      if (name === 'b') throw failure;
    };
    assert.equal(await sweepLeasedDirectories(parent.path, clear), {inUse: [], failures: [failure]});
    assert.equal(readdirSync(parent.path).toSorted(), ['.locks', 'b']);
    assert.equal(await sweepLeasedDirectories(parent.path, clearNothing), {inUse: [], failures: []});
    assert.equal(readdirSync(parent.path), ['.locks']);
  });

  test('a sweep of a parent that does not exist makes nothing', async () => {
    using parent = makeTemporaryDirectory();
    const absent = join(parent.path, 'absent');
    assert.equal(await sweepLeasedDirectories(absent, clearNothing), {inUse: [], failures: []});
    assert.not.ok(existsSync(absent));
  });

  test('a directory that cannot be made leaves no lock held', async () => {
    using parent = makeTemporaryDirectory();
    mkdirSync(join(parent.path, 'one'));
    assert.throws(
      () => createLeasedDirectory(parent.path, 'one'),
      (error: NodeJS.ErrnoException) => error.code === 'EEXIST',
    );
    assert.equal((await sweepLeasedDirectories(parent.path, clearNothing)).inUse, []);
  });

  test('a name that is held cannot be leased again', async () => {
    using parent = makeTemporaryDirectory();
    const leased = createLeasedDirectory(parent.path, 'one');
    assert.throws(() => createLeasedDirectory(parent.path, 'one'), /not a fresh name/);
    await leased.remove();
  });
});
