import {spawnSync} from 'node:child_process';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {describe} from '../helpers/suite.ts';

const COSTLY = ['yargs', 'got', 'ora', 'cli-progress', 'tar-fs'];
const source = join(import.meta.dirname, '../../src');

/** Prints the packages that the process has loaded when it ends. */
const REPORT = `data:text/javascript,${encodeURIComponent(`
import {registerHooks} from 'node:module';
import {writeSync} from 'node:fs';
const packages = new Set();
registerHooks({load: (url, context, next) => {
  const name = /.*\\/node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url)?.[1];
  if (name) packages.add(name);
  return next(url, context);
}});
process.on('exit', () => writeSync(1, 'loaded:' + [...packages].join(',')));
`)}`;

function packagesLoadedBy(code: string, ...words: string[]) {
  const script = `process.argv.splice(1, 0, 'winch'); ${code}`;
  const node = ['--import', REPORT, '--input-type=module', '--eval', script, '--', ...words];
  const {stdout, stderr} = spawnSync(process.execPath, node, {encoding: 'utf8'});
  const loaded = /loaded:(.*)$/.exec(stdout)?.[1];
  assert.ok(loaded !== undefined, stderr);
  return {packages: (loaded ?? '').split(','), stdout, stderr};
}

const RUN_MAIN = `const {main} = await import('${source}/cli/main.ts'); await main();`;

describe('cli start-up', ({test, before, after}) => {
  let root = '';
  before(() => {
    root = mkdtempSync(join(tmpdir(), 'winch-start-'));
  });
  after(() => rmSync(root, {recursive: true}));
  const costly = (packages: readonly string[]) => packages.filter((name) => COSTLY.includes(name));

  test('run loads nothing costly before it has found its image', () => {
    const words = ['--root', root, 'run', '--pull', 'never', '-it=false', '-e', 'A=b', 'alpine', 'true'];
    const {packages, stderr} = packagesLoadedBy(RUN_MAIN, ...words);
    assert.match(stderr, 'winch: IMAGE_UNKNOWN: ');
    assert.equal(costly(packages), []);
  });

  test('running a container loads nothing costly', () => {
    assert.equal(costly(packagesLoadedBy(`await import('${source}/containers/run.ts');`).packages), []);
  });

  test('listing images loads nothing costly', () => {
    const {packages, stdout} = packagesLoadedBy(RUN_MAIN, '--root', root, 'images');
    assert.match(stdout, /^REPOSITORY/);
    assert.equal(costly(packages), []);
  });

  test('asking for a digest loads nothing but what the request needs', () => {
    const {packages, stderr} = packagesLoadedBy(RUN_MAIN, '--root', root, 'digest', '127.0.0.1:1/none');
    assert.match(stderr, 'winch: REGISTRY_UNREACHABLE: ');
    assert.equal(costly(packages), ['got']);
    assert.not.ok(packages.includes('semver'));
  });

  test('help loads yargs and nothing else', () => {
    const {packages, stdout} = packagesLoadedBy(RUN_MAIN, 'run', '--help');
    assert.match(stdout, /^winch run /);
    assert.equal(costly(packages), ['yargs']);
  });
});
