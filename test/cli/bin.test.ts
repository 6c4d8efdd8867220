import {spawn, spawnSync} from 'node:child_process';
import {once} from 'node:events';
import {chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import * as assert from 'uvu/assert';
import {describe} from '../helpers/suite.ts';

const source = join(import.meta.dirname, '../../bin/winch.js');

/** Makes the process take itself for Node 20. */
const OLD = `data:text/javascript,${encodeURIComponent(
  "Object.defineProperty(process, 'versions', {value: {...process.versions, node: '20.1.0'}})",
)}`;

describe('bin/winch', ({test, before, after}) => {
  let directory = '';
  let bin = '';
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'winch-bin-'));
    bin = join(directory, 'winch/bin/winch.js');
    cpSync(source, bin);
    write('winch/package.json', '{"type": "module", "version": "1.2.3"}');
    write('winch/dist/cli/main.js', 'export const main = async () => console.log("unbundled");');
  });
  after(() => rmSync(directory, {recursive: true}));

  function write(path: string, content: string, mode = 0o644) {
    const file = join(directory, path);
    mkdirSync(dirname(file), {recursive: true});
    writeFileSync(file, content);
    chmodSync(file, mode);
  }
  function writeNode(path: string, version: string, script: string) {
    write(`${path}/package.json`, JSON.stringify({version}));
    write(`${path}/bin/node`, `#!/bin/sh\n${script}\n`, 0o755);
  }
  const environment = () => ({PATH: process.env.PATH, HOME: join(directory, 'home')});
  const start = (node: readonly string[], ...words: readonly string[]) => {
    const {status, signal, stdout, stderr} = spawnSync(process.execPath, [...node, bin, ...words], {
      encoding: 'utf8',
      env: environment(),
    });
    return {status, signal, stdout, stderr};
  };

  test('prints its version without loading anything', () => {
    assert.equal(start([], '--version'), {status: 0, signal: null, stdout: 'winch 1.2.3\n', stderr: ''});
    assert.is(start([], '-v').stdout, 'winch 1.2.3\n');
    assert.not.ok(existsSync(join(directory, 'home')));
  });

  test('runs what was built, bundled if it was bundled', () => {
    assert.is(start([], 'images').stdout, 'unbundled\n');
    write('winch/dist/bundled/main.js', 'export const main = async () => console.log("bundled");');
    assert.is(start([], 'images').stdout, 'bundled\n');
  });

  test('keeps compiled code where only this user can write', () => {
    start([], 'images');
    assert.ok(existsSync(join(directory, 'home/.cache/winch/compiled')));
  });

  test('does without a cache where others can write, and without a home', () => {
    const cache = join(directory, 'shared/winch/compiled');
    mkdirSync(cache, {recursive: true});
    chmodSync(cache, 0o777);
    const script = 'import("node:module").then(({getCompileCacheDir}) => console.log(String(getCompileCacheDir())))';
    write('winch/dist/bundled/main.js', `export const main = async () => { await ${script}; };`);
    const runWith = (env: Record<string, string>) =>
      spawnSync(process.execPath, [bin, 'images'], {encoding: 'utf8', env}).stdout;
    assert.is(runWith({XDG_CACHE_HOME: join(directory, 'shared')}), 'undefined\n');
    assert.is(runWith({}), 'undefined\n');
    assert.match(runWith({XDG_CACHE_HOME: join(directory, 'own')}), join(directory, 'own/winch/compiled'));
  });

  test('says in one line what an old Node lacks', () => {
    const {status, stdout, stderr} = start(['--import', OLD], 'images');
    assert.equal([status, stdout], [1, '']);
    assert.match(stderr, /^winch: NODE_TOO_OLD: this is Node 20\.1\.0, and winch needs 24 or later: .*\n$/);
  });

  test('hands over to the Node that lies beside it, wherever npm put it', () => {
    writeNode('node_modules/node', '26.0.0', 'shift 2; echo "$@"; exit 37');
    const {status, stdout} = start(['--import', OLD], 'run', '--version', 'a b');
    assert.equal([status, stdout.split('winch.js ')[1]], [37, 'run --version a b\n']);
  });

  test('passes over a Node that is too old itself', () => {
    writeNode('winch/node_modules/node', '22.0.0', 'echo wrong');
    assert.is(start(['--import', OLD], 'images').status, 37);
    writeNode('winch/node_modules/node', '24.0.0', 'echo right');
    assert.is(start(['--import', OLD], 'images').stdout, 'right\n');
  });

  test('dies of the signal that its successor dies of', () => {
    writeNode('winch/node_modules/node', '24.0.0', 'kill -TERM $$');
    assert.equal(start(['--import', OLD], 'images').signal, 'SIGTERM');
  });

  test('forwards signals to its successor', async () => {
    writeNode(
      'winch/node_modules/node',
      '24.0.0',
      "trap 'exit 5' TERM; echo ready; for _ in $(seq 500); do sleep 0.01; done",
    );
    const child = spawn(process.execPath, ['--import', OLD, bin, 'images'], {env: environment()});
    await once(child.stdout, 'data');
    child.kill('SIGTERM');
    assert.equal(await once(child, 'exit'), [5, null]);
  });
});
