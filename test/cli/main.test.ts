import {spawn, spawnSync} from 'node:child_process';
import {once} from 'node:events';
import {mkdtempSync, rmSync} from 'node:fs';
import {type AddressInfo, createServer, type Socket} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {describe} from '../helpers/suite.ts';

const main = join(import.meta.dirname, '../../src/cli/main.ts');
const script = (then = '') => `process.argv.splice(1, 0, 'winch'); await (await import('${main}')).main(); ${then}`;
const node = (then?: string) => ['--input-type=module', '--eval', script(then), '--'];

const O_NONBLOCK = 0o4000;
const LIMIT_MS = 1000;

describe('cli/main', ({test, before, after}) => {
  let root = '';
  const sockets: Socket[] = [];
  // A registry that accepts connections and never says a word.
  const registry = createServer((socket) => void sockets.push(socket.on('error', () => {})));
  before(async () => {
    root = mkdtempSync(join(tmpdir(), 'winch-main-'));
    registry.listen(0, '127.0.0.1');
    await once(registry, 'listening');
  });
  after(() => {
    for (const socket of sockets) socket.destroy();
    registry.close();
    rmSync(root, {recursive: true});
  });

  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    test(`a pull ends within a second of ${signal}, with ${code}`, async () => {
      const reference = `127.0.0.1:${(registry.address() as AddressInfo).port}/a`;
      const words = ['--root', root, 'pull', '--progress', 'json', reference];
      const child = spawn(process.execPath, [...node(), ...words], {stdio: ['ignore', 'ignore', 'pipe']});
      let stderr = '';
      child.stderr.on('data', (chunk) => {
        stderr += chunk;
      });
      await once(child.stderr, 'data');
      const killedAt = performance.now();
      child.kill(signal);
      assert.equal(await once(child, 'close'), [code, null]);
      assert.ok(performance.now() - killedAt < LIMIT_MS + 500);
      assert.is(JSON.parse(stderr.trimEnd().split('\n').at(-1) ?? '').message, `stopped by ${signal}`);
    });
  }

  test('a reader that leaves early is no failure', () => {
    const line = `'${process.execPath}' --input-type=module --eval "$0" -- run --help | head -n 1; exit \${PIPESTATUS[0]}`;
    const {status, stdout, stderr} = spawnSync('bash', ['-c', line, script()], {encoding: 'utf8'});
    assert.equal([status, stderr], [0, '']);
    assert.match(stdout, /^winch run .*\n$/);
  });

  test('leaves the pipes that a container would share as they were', () => {
    const then = `
      const {readFileSync, writeSync} = await import('node:fs');
      for (const fd of [0, 1, 2]) writeSync(2, /flags:.*/.exec(readFileSync('/proc/self/fdinfo/' + fd, 'utf8'))[0]);`;
    const {stdout, stderr} = spawnSync(process.execPath, [...node(then), 'version'], {encoding: 'utf8', input: 'x'});
    assert.match(stdout, /^winch: /);
    const flags = [...stderr.matchAll(/flags:\s*(\d+)/g)].map((match) => Number.parseInt(match[1] ?? '', 8));
    assert.is(flags.length, 3);
    assert.equal(
      flags.map((flag) => flag & O_NONBLOCK),
      [0, 0, 0],
    );
  });
});
