import * as assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import {dirname, join} from 'node:path';
import {editLoginFile} from '../../../src/images/logins/edit-login-file.ts';
import {putEntry} from '../../../src/registry/login-document.ts';
import {rejectionOf} from '../../helpers/rejection-of.ts';
import {describe} from '../../helpers/suite.ts';
import {makeTemporaryDirectory} from '../../helpers/temporary-directory.ts';

const isRoot = process.getuid?.() === 0;
const put = (path: string, key: string) =>
  editLoginFile(path, (document) => putEntry(document, {key, entry: {auth: 'eDp5'}}));
const keysIn = (path: string) => Object.keys(JSON.parse(readFileSync(path, 'utf8')).auths);
const modeOf = (path: string) => statSync(path).mode & 0o777;

describe('images/logins/edit-login-file', ({test}) => {
  test('makes the file with mode 0600 in a directory with 0700', async () => {
    using directory = makeTemporaryDirectory();
    const path = join(directory.path, 'a', 'config.json');
    await put(path, 'h');
    assert.deepEqual([modeOf(path), modeOf(dirname(path)), keysIn(path)], [0o600, 0o700, ['h']]);
  });

  test('A06 takes a file with mode 0644 and leaves it with 0600', async () => {
    using directory = makeTemporaryDirectory();
    const path = join(directory.path, 'config.json');
    writeFileSync(path, '{"auths":{"old":{}},"other":true}');
    chmodSync(path, 0o644);
    await put(path, 'new');
    assert.deepEqual([modeOf(path), keysIn(path)], [0o600, ['old', 'new']]);
    assert.equal(JSON.parse(readFileSync(path, 'utf8')).other, true);
  });

  test('A06 replaces what a symbolic link points to, and keeps the link', async () => {
    using directory = makeTemporaryDirectory();
    const [path, target] = [join(directory.path, 'config.json'), join(directory.path, 'real', 'logins.json')];
    mkdirSync(dirname(target));
    writeFileSync(target, '{"auths":{"old":{}}}');
    symlinkSync('real/logins.json', path);
    await put(path, 'new');
    assert.equal(lstatSync(path).isSymbolicLink(), true);
    assert.deepEqual(keysIn(target), ['old', 'new']);
  });

  test('A06 refuses a symbolic link to nothing', async () => {
    using directory = makeTemporaryDirectory();
    const path = join(directory.path, 'config.json');
    symlinkSync('absent/logins.json', path);
    assert.equal((await rejectionOf(put(path, 'h'))).code, 'LOGIN_UNWRITABLE');
  });

  test('changes nothing of a file that is no login file', async () => {
    using directory = makeTemporaryDirectory();
    const path = join(directory.path, 'config.json');
    for (const text of ['{"auths": canary', '[]', 'x'.repeat(1_048_577)]) {
      writeFileSync(path, text);
      const error = await rejectionOf(put(path, 'h'));
      assert.equal(error.code, 'CREDENTIALS_INVALID');
      assert.doesNotMatch(error.message, /canary/);
      assert.equal(readFileSync(path, 'utf8'), text);
    }
  });

  test(
    'leaves the file of another user to that user',
    async () => {
      using directory = makeTemporaryDirectory();
      const path = join(directory.path, 'config.json');
      writeFileSync(path, '{}');
      chownSync(path, 1234, 1235);
      await put(path, 'h');
      assert.deepEqual([statSync(path).uid, statSync(path).gid], [1234, 1235]);
    },
    {skip: isRoot ? undefined : 'needs root'},
  );

  test('loses no login when several processes log in at once', async () => {
    using directory = makeTemporaryDirectory();
    const path = join(directory.path, 'config.json');
    const room = new URL('../../../src/', import.meta.url);
    const program = `
      const {editLoginFile} = await import('${room}images/logins/edit-login-file.ts');
      const {putEntry} = await import('${room}registry/login-document.ts');
      for (let n = 0; n < 10; n++) {
        await editLoginFile(process.argv[1], (document) => putEntry(document, {key: process.argv[2] + n, entry: {}}));
      }`;
    const children = ['a', 'b', 'c'].map((name) =>
      spawn(process.execPath, ['--input-type=module', '--eval', program, path, name], {stdio: 'inherit'}),
    );
    const codes = await Promise.all(children.map(async (child) => (await once(child, 'exit'))[0]));
    assert.deepEqual([codes, keysIn(path).length], [[0, 0, 0], 30]);
    assert.deepEqual(
      readdirSync(directory.path).filter((name) => name.endsWith('.tmp')),
      [],
    );
  });
});
