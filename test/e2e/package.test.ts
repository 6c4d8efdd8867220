import * as assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import {mkdirSync, readFileSync, symlinkSync, writeFileSync} from 'node:fs';
import {delimiter, dirname, join} from 'node:path';
import {HELLO_MESSAGE, helloWorldImage} from '../../fixtures/hello-world.ts';
import {startRegistry} from '../../fixtures/registry-server.ts';
import {missingFor} from '../helpers/requires.ts';
import {type ProgramExit, requireProgram, runProgram} from '../helpers/run-program.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';

const PROJECT = dirname(dirname(import.meta.dirname));
const INSTALL_TIMEOUT_MS = 120_000;
const EXAMPLE = /<!-- The tests run this example\. -->\n```js\n(?<code>.*?)```/s;
const USED_BY_USERS = /^(bin|dist)\/|^(README\.md|CHANGELOG\.md|LICENSE|package\.json)$/;

const unreachable = ((): string | undefined => {
  const {status} = spawnSync('npm', ['ping', '--fetch-retries=0', '--fetch-timeout=5000'], {stdio: 'ignore'});
  return status === 0 ? undefined : 'the npm registry cannot be reached';
})();

interface PackReport {
  readonly filename: string;
  readonly files: readonly {readonly path: string; readonly size: number}[];
}

/** Packs what is built already: the scripts would build it under the feet of other tests. */
async function pack(directory: string): Promise<PackReport> {
  const words = ['pack', PROJECT, '--json', '--ignore-scripts', '--pack-destination', directory];
  const [report] = JSON.parse(await requireProgram('npm', words)) as readonly PackReport[];
  return report ?? assert.fail('npm packed nothing');
}

const versionOf = (): string => JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8')).version;

/** Runs a module for which `winch` is this package directory. */
async function runModule(directory: string, code: string, winch: string): Promise<ProgramExit> {
  mkdirSync(join(directory, 'node_modules'), {recursive: true});
  symlinkSync(winch, join(directory, 'node_modules', 'winch'));
  writeFileSync(join(directory, 'example.mjs'), code);
  return runProgram(process.execPath, [join(directory, 'example.mjs')]);
}

describe('e2e/package', ({test}) => {
  test('contains what users need, and nothing else', async () => {
    using directory = makeTemporaryDirectory();
    const {files} = await pack(directory.path);
    const paths = files.map(({path}) => path);
    assert.deepEqual(
      paths.filter((path) => !USED_BY_USERS.test(path)),
      [],
    );
    const needed = [
      'bin/winch.js',
      'dist/index.js',
      'dist/index.d.ts',
      'dist/bundled/command.chunks',
      'README.md',
      'CHANGELOG.md',
    ];
    assert.deepEqual(
      needed.filter((path) => !paths.includes(path)),
      [],
    );
  });

  test(
    'installs without scripts, and then runs as a command and as a library',
    async () => {
      using directory = makeTemporaryDirectory();
      const prefix = join(directory.path, 'prefix');
      const tarball = join(directory.path, (await pack(directory.path)).filename);
      const quietly = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
      await requireProgram('npm', ['install', '--global', '--prefix', prefix, ...quietly, tarball]);
      const winch = (...words: readonly string[]) => {
        const PATH = `${dirname(process.execPath)}${delimiter}${process.env.PATH}`;
        const environment = [`PATH=${PATH}`, `WINCH_ROOT=${directory.path}/store`, `XDG_CACHE_HOME=${directory.path}`];
        return requireProgram('env', [...environment, join(prefix, 'bin', 'winch'), ...words]);
      };
      assert.equal(await winch('--version'), `winch ${versionOf()}\n`);
      assert.match(await winch('images'), /^REPOSITORY /);
      await using registry = await startRegistry();
      registry.put('hello-world', 'latest', helloWorldImage());
      assert.match(await winch('pull', `${registry.host}/hello-world`), /^sha256:/);
      const code = `
        import {openToolkit, WinchError} from 'winch';
        await using toolkit = await openToolkit({root: '${directory.path}/store', runtimeDirectory: '${directory.path}/run'});
        console.log((await toolkit.images.list()).length, typeof WinchError);`;
      const {stdout, stderr} = await runModule(directory.path, code, join(prefix, 'lib/node_modules/winch'));
      assert.deepEqual([stdout, stderr], ['1 function\n', '']);
    },
    {skip: unreachable, timeoutMs: INSTALL_TIMEOUT_MS},
  );

  test(
    'does what the example in the README says',
    async () => {
      using directory = makeTemporaryDirectory();
      await using registry = await startRegistry();
      registry.put('hello-world', 'latest', helloWorldImage());
      const example = EXAMPLE.exec(readFileSync(join(PROJECT, 'README.md'), 'utf8'))?.groups?.code ?? '';
      const code = example
        .replaceAll('127.0.0.1:5000', registry.host)
        .replaceAll('/var/lib/winch', join(directory.path, 'store'))
        .replaceAll('/run/winch', join(directory.path, 'run'));
      const {exitCode, stdout, stderr} = await runModule(directory.path, code, PROJECT);
      const {index} = helloWorldImage();
      assert.equal(stdout, `${index.digest}\n${HELLO_MESSAGE}0\n`, stderr);
      assert.match(stderr, /^stored sha256:[0-9a-f]{64}\n$/);
      assert.equal(exitCode, 0);
    },
    {skip: missingFor('runc')},
  );
});
