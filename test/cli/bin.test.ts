import {spawn, spawnSync} from 'node:child_process';
import {once} from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import * as assert from 'uvu/assert';
import {digestOf} from '../../src/oci/digest.ts';
import {describe} from '../helpers/suite.ts';

const source = join(import.meta.dirname, '../../bin');

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
    cpSync(source, dirname(bin), {recursive: true});
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
  /** As the build makes it (fixtures/link-chunks.js). */
  function writeBundle(statement: string, others: Readonly<Record<string, string>> = {}) {
    const main = `const isCommandWord = (word) => ['images', 'tags'].includes(word);
      return {main: async () => { ${statement}; }, isCommandWord};`;
    const places: Record<string, readonly number[]> = {};
    let [texts, line] = ['', 2];
    for (const [name, body] of Object.entries({...others, main})) {
      const text = `(function ($need, $load, $require, $url) {${body}\n})`;
      places[name] = [texts.length, text.length, line];
      texts += `${text}\n`;
      line += text.split('\n').length;
    }
    const content = `${JSON.stringify(places)}\n${texts}`;
    const hash = digestOf(Buffer.from(content)).replace('sha256:', '').slice(0, 32);
    write('winch/dist/bundled/command.chunks', `${hash}\n${content}`);
  }
  const compiled = () => join(directory, 'home/.cache/winch/compiled');
  const forgetCode = () => rmSync(compiled(), {recursive: true, force: true});
  const keptCode = () =>
    readdirSync(compiled(), {withFileTypes: true})
      .filter((entry) => entry.isFile())
      .map(({name}) => join(compiled(), name))
      .toSorted();
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
    writeBundle('console.log("bundled")');
    assert.is(start([], 'images').stdout, 'bundled\n');
  });

  /** Of what is kept of a command. */
  const keptHead = (path: string): {chunks: [string, number][]; changes: number; textLength: number} =>
    JSON.parse(readFileSync(path, 'utf8').split('\n', 1)[0] ?? '');
  const isCompiled = (path: string) => {
    const bytes = readFileSync(path);
    return bytes.length > bytes.indexOf('\n') + 1 + keptHead(path).textLength;
  };

  test('keeps what each command needs, and then its compiled code, where only this user can write', () => {
    forgetCode();
    writeBundle('console.log("kept")');
    const runBoth = () => [start([], 'images').stdout, start([], '--root', 'store', 'tags').stdout];
    assert.equal(runBoth(), ['kept\n', 'kept\n']);
    assert.equal(
      keptCode().map((path) => path.replace(/^.*-/, '')),
      ['images', 'tags'],
    );
    assert.equal(keptCode().map(isCompiled), [false, false]);
    assert.equal(runBoth(), ['kept\n', 'kept\n']);
    assert.equal(keptCode().map(isCompiled), [true, true]);
    const statuses = () => keptCode().map((path) => statSync(path));
    assert.equal(
      statuses().map(({mode}) => mode & 0o777),
      [0o600, 0o600],
    );
    const before = statuses().map(({ino}) => ino);
    assert.equal(runBoth(), ['kept\n', 'kept\n']);
    assert.equal(
      statuses().map(({ino}) => ino),
      before,
    );
  });

  /** Of a bundle that loads the chunks that the command line names. */
  const writeChunks = (names: Readonly<Record<string, number>>) =>
    writeBundle(
      'for (const word of process.argv.slice(3)) console.log((await $load(word)).name, $need(word) === await $load(word))',
      Object.fromEntries(
        Object.entries(names).map(([name, bytes]) => [
          name,
          `console.log('${name} is loaded'); return {name: '${name}'}; // ${'-'.repeat(bytes)}`,
        ]),
      ),
    );
  const loadsOf = (...words: readonly string[]) => words.map((word) => `${word} is loaded\n${word} true\n`).join('');
  const keptNames = (path: string) => keptHead(path).chunks.map(([name]) => name);

  test('adds what a later run needs for the first time', () => {
    forgetCode();
    writeChunks({first: 10, second: 10, third: 10});
    assert.is(start([], 'images', 'first').stdout, loadsOf('first'));
    const [path = ''] = keptCode();
    assert.equal(keptNames(path), ['first', 'main']);
    assert.is(start([], 'images', 'second', 'first').stdout, loadsOf('second', 'first'));
    assert.equal(keptNames(path), ['first', 'second', 'main']);
    assert.not.ok(isCompiled(path));
    for (const _turn of ['compiles', 'takes what was compiled'])
      assert.is(start([], 'images', 'first', 'second').stdout, loadsOf('first', 'second'));
    assert.ok(isCompiled(path));
    assert.is(start([], 'images', 'first', 'third').stdout, loadsOf('first', 'third'));
    assert.equal(keptNames(path), ['first', 'second', 'third', 'main']);
  });

  test('leaves out what most runs do not need, and does not change what is kept for ever', () => {
    forgetCode();
    writeChunks({small: 10, large: 5000});
    start([], 'images', 'small', 'large');
    const [path = ''] = keptCode();
    assert.is(start([], 'images', 'small').stdout, loadsOf('small'));
    assert.equal(keptNames(path), ['small', 'main']);
    for (let turn = 0; turn < 4; turn++) {
      start([], 'images', 'large');
      start([], 'images', 'small');
    }
    assert.is(keptHead(path).changes, 6);
    for (const word of ['large', 'small', 'large', 'small']) assert.is(start([], 'images', word).stdout, loadsOf(word));
    assert.is(keptHead(path).changes, 6);
    assert.ok(isCompiled(path));
    const {ino} = statSync(path);
    start([], 'images', 'large');
    assert.is(statSync(path).ino, ino);
  });

  test('a trace names the line of the bundle', () => {
    writeBundle("if (process.argv.length > 3) throw new Error('thrown')", {other: 'return {};\n'});
    const text = readFileSync(join(directory, 'winch/dist/bundled/command.chunks'), 'utf8');
    const place = `winch/dist/bundled/command.chunks:${text.slice(0, text.indexOf('thrown')).split('\n').length}\n`;
    forgetCode();
    assert.match(start([], 'images', 'now').stderr, place, 'compiled');
    assert.is(start([], 'images').status, 0);
    assert.is(keptCode().length, 1);
    assert.match(start([], 'images', 'now').stderr, place, 'kept');
    assert.is(start([], 'images').status, 0);
    assert.match(start([], 'images', 'now').stderr, place, 'kept with its code');
  });

  test('replaces what V8 does not take, and takes nothing of another bundle', () => {
    forgetCode();
    writeBundle('console.log("one")');
    start([], 'images');
    const [path = ''] = keptCode();
    writeFileSync(path, 'nothing that was kept');
    assert.is(start([], 'images').stdout, 'one\n');
    start([], 'images');
    assert.ok(isCompiled(path));
    const {ino} = statSync(path);
    assert.is(start(['--stack-size=900'], 'images').stdout, 'one\n', 'compiled under other flags');
    assert.is.not(statSync(path).ino, ino);
    writeBundle('console.log("two")');
    assert.is(start([], 'images').stdout, 'two\n');
    assert.is(keptCode().length, 2);
  });

  test('keeps nothing of what failed, and of what is no command', () => {
    forgetCode();
    writeBundle('process.exitCode = 1');
    start([], 'images');
    start([], 'images', '--help');
    writeBundle('console.log("nothing")');
    start([], 'nonsense');
    start([], 'nonsense', '--help');
    assert.equal(keptCode(), []);
  });

  test('keeps what pages of help need apart from what commands need', () => {
    forgetCode();
    writeBundle('console.log("help")');
    start([], '--help');
    start([], 'images', '--help');
    const names = keptCode().map((path) => path.split(`-${process.arch}-`)[1]);
    assert.equal(names.toSorted(), ['help', 'images-help']);
  });

  test('removes code that was kept long ago', () => {
    forgetCode();
    writeBundle('console.log("old")');
    start([], 'images');
    const [old = ''] = keptCode();
    utimesSync(old, 0, 0);
    writeBundle('console.log("new")');
    start([], 'images');
    assert.not.ok(existsSync(old));
    assert.is(keptCode().length, 1);
  });

  test('does without a cache where others can write, and without a home', () => {
    const cache = join(directory, 'shared/winch/compiled');
    mkdirSync(cache, {recursive: true});
    chmodSync(cache, 0o777);
    writeBundle(
      '$require("node:path"); console.log(process.getBuiltinModule("node:module").getCompileCacheDir() ?? "none")',
    );
    const runWith = (env: Record<string, string>) =>
      spawnSync(process.execPath, [bin, 'images'], {encoding: 'utf8', env}).stdout;
    assert.is(runWith({XDG_CACHE_HOME: join(directory, 'shared')}), 'none\n');
    assert.is(runWith({}), 'none\n');
    assert.equal(readdirSync(cache), []);
    const own = join(directory, 'own/winch/compiled');
    assert.match(runWith({XDG_CACHE_HOME: join(directory, 'own')}), own);
    assert.ok(readdirSync(own).some((name) => name.endsWith('-images')));
  });

  test("Node's cache is there for packages, and costs nothing where none is needed", () => {
    writeBundle('console.log(process.getBuiltinModule("node:module").getCompileCacheDir() ?? "none")');
    assert.is(start([], 'images').stdout, 'none\n');
  });

  test('another program of the bundle keeps nothing where others can write', () => {
    writeBundle('console.log("main")', {other: "console.log('other'); return {};"});
    const loader = JSON.stringify(join(dirname(bin), 'load-bundle.js'));
    const runIn = (name: string, mode: number) => {
      const cache = join(directory, name);
      mkdirSync(cache);
      chmodSync(cache, mode);
      const words = ['-e', `require(${loader}).loadProcess('other')`];
      const env = {NODE_COMPILE_CACHE: cache};
      assert.is(spawnSync(process.execPath, words, {encoding: 'utf8', env}).stdout, 'other\n');
      return readdirSync(cache).filter((entry) => entry.endsWith('-other')).length;
    };
    assert.is(runIn('own-cache', 0o700), 1);
    assert.is(runIn('open-cache', 0o777), 0);
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
