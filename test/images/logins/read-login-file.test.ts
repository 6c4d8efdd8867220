import * as assert from 'node:assert/strict';
import {chmodSync, mkdirSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {openCredentialsOf} from '../../../src/images/logins/open-credentials.ts';
import {readLoginFile} from '../../../src/images/logins/read-login-file.ts';
import {requireProgram} from '../../helpers/run-program.ts';
import {describe} from '../../helpers/suite.ts';
import {makeTemporaryDirectory} from '../../helpers/temporary-directory.ts';
import {failureOf} from '../../registry/with-registry.ts';

const loginOf = (name: string) => JSON.stringify({auths: {h: {username: name, password: 'canary'}}});

describe('images/logins/read-login-file', ({test}) => {
  test('finds nothing where there is no file', async () => {
    using directory = makeTemporaryDirectory();
    writeFileSync(join(directory.path, 'file'), '');
    for (const path of ['absent', 'absent/config.json', 'file/config.json']) {
      assert.equal(await readLoginFile(join(directory.path, path)), null);
    }
  });

  test('A06 reads a file with mode 0644, and what a symbolic link points to', async () => {
    using directory = makeTemporaryDirectory();
    const [file, link] = [join(directory.path, 'file'), join(directory.path, 'link')];
    writeFileSync(file, '{}');
    chmodSync(file, 0o644);
    symlinkSync('file', link);
    for (const path of [file, link]) assert.equal(String(await readLoginFile(path)), '{}');
  });

  test('A06 refuses what is no readable file of at most 1 MiB', async () => {
    using directory = makeTemporaryDirectory();
    const at = (name: string) => join(directory.path, name);
    writeFileSync(at('huge'), 'x'.repeat(1_048_577));
    symlinkSync('loop', at('loop'));
    mkdirSync(at('folder'));
    for (const path of [at('huge'), at('loop'), at('folder'), '/dev/zero']) {
      const error = await failureOf(readLoginFile(path));
      assert.equal(error.code, 'CREDENTIALS_INVALID', path);
      assert.match(error.message, new RegExp(`^the login file ${path} `));
    }
  });

  test('reads a pipe that a shell puts in the place of a file', async () => {
    using directory = makeTemporaryDirectory();
    const pipe = join(directory.path, 'pipe');
    await requireProgram('mkfifo', [pipe]);
    const [bytes] = await Promise.all([
      readLoginFile(pipe),
      requireProgram('sh', ['-c', `printf '{"auths":' > ${pipe}; :`]),
    ]);
    assert.equal(String(bytes), '{"auths":');
  });

  test("asks the variable first, then containers' files, then docker's", async () => {
    using directory = makeTemporaryDirectory();
    const at = (name: string) => join(directory.path, name);
    for (const name of ['first', 'second', 'docker']) writeFileSync(at(name), loginOf(name));
    const sourceOf = async (settings: Parameters<typeof openCredentialsOf>[0]) =>
      (await openCredentialsOf(settings).describe('h'))?.username;
    const authFiles = [at('absent'), at('first'), at('second')];
    const dockerConfigPath = at('docker');
    const whole = {dockerAuthConfig: loginOf('variable'), authFiles, dockerConfigPath};
    assert.equal(await sourceOf(whole), 'variable');
    assert.equal(await sourceOf({authFiles, dockerConfigPath}), 'first');
    assert.equal(await sourceOf({authFiles: [at('absent')], dockerConfigPath}), 'docker');
    assert.equal(await sourceOf({}), undefined);
  });
});
