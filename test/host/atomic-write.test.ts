import {existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {ensureDirectory, writeFileAtomic} from '../../src/host/atomic-write.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {missingFor} from '../helpers/requires.ts';
import {runOnDisk} from '../helpers/run-on-disk.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';

const skip = missingFor('unshare', 'mount');

describe('host/atomic-write', ({test}) => {
  const bytes = Buffer.from('new');

  test('writes and replaces a file with its mode, and leaves nothing beside it', async () => {
    using directory = makeTemporaryDirectory();
    const path = join(directory.path, 'a/b/file');
    for (const durability of ['full', 'fast'] as const) {
      await writeFileAtomic(path, Buffer.from(durability), {durability, mode: 0o600});
      assert.is(readFileSync(path, 'utf8'), durability);
      assert.is(statSync(path).mode & 0o777, 0o600);
    }
    assert.equal(readdirSync(join(directory.path, 'a/b')), ['file']);
    assert.is(statSync(join(directory.path, 'a')).mode & 0o777, 0o700);
  });

  test('readers see the old bytes or the new ones, never a part', async () => {
    using directory = makeTemporaryDirectory();
    const path = join(directory.path, 'file');
    const versions = ['a', 'b'].map((letter) => letter.repeat(100_000));
    writeFileSync(path, versions[0] ?? '');
    let isDone = false;
    const write = async () => {
      for (let round = 0; round < 20; round += 1) {
        await writeFileAtomic(path, Buffer.from(versions[round % 2] ?? ''), {durability: 'fast', mode: 0o600});
      }
      isDone = true;
    };
    const read = async () => {
      while (!isDone) {
        assert.ok(versions.includes(readFileSync(path, 'utf8')));
        await new Promise(setImmediate);
      }
    };
    await Promise.all([write(), read()]);
  });

  test('writers of one path at the same time leave one whole file', async () => {
    using directory = makeTemporaryDirectory();
    const path = join(directory.path, 'file');
    const texts = Array.from({length: 8}, (_, index) => String(index).repeat(50_000));
    await Promise.all(texts.map((text) => writeFileAtomic(path, Buffer.from(text), {durability: 'fast', mode: 0o600})));
    assert.ok(texts.includes(readFileSync(path, 'utf8')));
    assert.equal(readdirSync(directory.path), ['file']);
  });

  test('a failed rename leaves no staging file', async () => {
    using directory = makeTemporaryDirectory();
    mkdirSync(join(directory.path, 'taken'));
    const error = await rejectionOf(
      writeFileAtomic(join(directory.path, 'taken'), bytes, {durability: 'full', mode: 0o600}),
    );
    assert.is(error.code, 'EISDIR');
    assert.equal(readdirSync(directory.path), ['taken']);
  });

  test(
    'a full disk keeps the old file and no part of the new one',
    () => {
      using directory = makeTemporaryDirectory();
      const found = runOnDisk(new URL('atomic-write-program.ts', import.meta.url), {
        directory: directory.path,
        options: 'size=64k',
      });
      assert.equal(found, {outcomes: ['written', 'STORE_FULL'], names: ['file'], bytes: 1000});
    },
    {skip},
  );

  test('writes elsewhere first where that is wanted, even on another disk', async () => {
    using directory = makeTemporaryDirectory();
    for (const elsewhere of [directory.path, '/dev/shm']) {
      const [place, staging] = [join(directory.path, 'place'), join(elsewhere, `winch-test-${process.pid}`)];
      const options = {durability: 'full', mode: 0o600, staging} as const;
      await writeFileAtomic(join(place, 'file'), bytes, options);
      assert.equal(readFileSync(join(place, 'file')), bytes);
      assert.is(statSync(join(place, 'file')).mode & 0o777, 0o600);
      await rejectionOf(writeFileAtomic(place, bytes, options));
      assert.equal(readdirSync(place), ['file']);
      assert.not.ok(existsSync(staging));
    }
  });

  test('makes directories of any depth, and again', async () => {
    using directory = makeTemporaryDirectory();
    const path = join(directory.path, 'a/b/c');
    await ensureDirectory(path, 'full');
    await ensureDirectory(path, 'full');
    assert.is(statSync(path).mode & 0o777, 0o700);
    writeFileSync(join(path, 'file'), '');
    symlinkSync('nowhere', join(path, 'link'));
    for (const taken of ['file', 'link']) {
      const {code, message} = await rejectionOf(ensureDirectory(join(path, taken), 'fast'));
      assert.is(code, 'STORE_PATH');
      assert.match(message, taken);
    }
  });
});
