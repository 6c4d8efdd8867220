import * as assert from 'node:assert/strict';
import {buildImage} from '../../fixtures/build-image.ts';
import {buildTar} from '../../fixtures/build-tar.ts';
import {busyboxImage} from '../../fixtures/busybox-image.ts';
import {startRegistry} from '../../fixtures/registry-server.ts';
import {missingFor} from '../helpers/requires.ts';
import {requireProgram} from '../helpers/run-program.ts';
import {findStoreProblems} from '../helpers/store-problems.ts';
import {describe} from '../helpers/suite.ts';
import {waitFor} from '../helpers/wait-for.ts';
import {makeWinch} from '../helpers/winch.ts';

const skip = missingFor('runc', 'busybox');
const LAYER_BYTES = 300_000;
const tarOf = (path: string) => buildTar([{path, content: Buffer.alloc(LAYER_BYTES, path)}]);
const BASE = tarOf('base');
const SMALL = buildImage({layers: [BASE], compression: 'none'});
const baseDigest = SMALL.layers[0]?.digest ?? '';
const LARGE = buildImage({layers: [BASE, tarOf('large')], compression: 'none'});
const largeDigest = LARGE.layers[1]?.digest ?? '';

describe('e2e/prune', ({test}) => {
  test('S10 takes nothing from a pull that is under way, and everything else, however often it is called', async () => {
    await using registry = await startRegistry();
    registry.put('small', '1', SMALL);
    registry.put('large', '1', LARGE);
    using winch = makeWinch();
    const [small, large] = [`${registry.host}/small:1`, `${registry.host}/large:1`];
    assert.equal((await winch.run(['pull', small])).exitCode, 0);
    registry.setFaults([{on: 'blob', slow: {bytes: 1000, pauseMs: 100}}]);
    const pull = winch.start(['pull', large]);
    await waitFor(() => registry.requests.some(({url}) => url.endsWith(largeDigest)));
    for (let round = 0; round < 3; round += 1) {
      const {exitCode, stdout, stderr} = await winch.run(['prune', '--all', '--partials']);
      assert.equal(exitCode, 0, stderr);
      assert.equal(/^Untagged: .*small:1$/m.test(stdout), round === 0, stdout);
      const left = new RegExp(`^left \\d+kB to pid ${pull.child.pid} \\(winch pull, started \\d+ s ago\\)`, 'm');
      assert.match(stderr, left);
    }
    pull.child.kill('SIGKILL');
    assert.equal((await pull.exited).signal, 'SIGKILL');
    registry.setFaults([]);
    const {exitCode, stderr} = await winch.run(['pull', large]);
    assert.equal(exitCode, 0, stderr);
    assert.match(stderr, /continues at/);
    assert.equal(registry.requests.filter(({url}) => url.endsWith(baseDigest)).length, 1, 'the base is fetched once');
    assert.deepEqual(findStoreProblems(winch.root), []);
    const pruned = await winch.run(['prune', '--all']);
    assert.match(pruned.stdout, /^Untagged: .*large:1$/m);
    assert.doesNotMatch(pruned.stderr, /left/);
    assert.equal((await winch.run(['images', '-q'])).stdout, '');
  });

  test('S11 a tag that is removed while a pull of it runs is there again at its end, and nothing is lacking', async () => {
    await using registry = await startRegistry();
    registry.put('app', '1', SMALL);
    using winch = makeWinch();
    const app = `${registry.host}/app:1`;
    assert.equal((await winch.run(['pull', app])).exitCode, 0);
    registry.put('app', '1', LARGE);
    registry.setFaults([{on: 'blob', slow: {bytes: 30_000, pauseMs: 300}}]);
    const pull = winch.start(['pull', app]);
    await waitFor(() => registry.requests.some(({url}) => url.endsWith(largeDigest)));
    const removed = await winch.run(['rmi', app]);
    assert.equal(removed.exitCode, 0, removed.stderr);
    assert.match(removed.stdout, /^Deleted: sha256:/m);
    assert.match(removed.stderr, new RegExp(`^left \\d+kB to pid ${pull.child.pid} `, 'm'));
    assert.equal(pull.child.exitCode, null);
    const {exitCode, stderr} = await pull.exited;
    assert.equal(exitCode, 0, stderr);
    assert.deepEqual(findStoreProblems(winch.root), []);
    const inspected = JSON.parse((await winch.run(['inspect', app])).stdout);
    assert.ok(JSON.stringify(inspected).includes(LARGE.config.digest));
  });

  test('frees what df says, and df says what du says', async () => {
    await using registry = await startRegistry();
    registry.put('app', '1', SMALL);
    using winch = makeWinch();
    assert.equal((await winch.run(['pull', `${registry.host}/app:1`])).exitCode, 0);
    registry.put('app', '1', LARGE);
    assert.equal((await winch.run(['pull', `${registry.host}/app:1`])).exitCode, 0);
    const usage = async () => JSON.parse((await winch.run(['df', '--format', 'json'])).stdout);
    const before = await usage();
    const du = Number((await requireProgram('du', ['-sb', winch.root])).split('\t')[0]);
    assert.ok(Math.abs(before.totalBytes - du) <= du / 100, `${before.totalBytes} and ${du}`);
    assert.ok(before.images.reclaimableBytes > 0);
    const {freedBytes} = JSON.parse((await winch.run(['prune', '--format', 'json'])).stdout);
    assert.equal(freedBytes, before.images.reclaimableBytes);
    assert.equal((await usage()).images.reclaimableBytes, 0);
  });

  test(
    'S11 keeps the image of a running container, which outlives a forced removal',
    async () => {
      await using registry = await startRegistry();
      registry.put('busybox', '1', busyboxImage());
      registry.put('small', '1', SMALL);
      using winch = makeWinch();
      const reference = `${registry.host}/busybox:1`;
      assert.equal((await winch.run(['pull', `${registry.host}/small:1`])).exitCode, 0);
      const running = winch.start(
        ['run', '-i', '--name', 'web', reference, 'sh', '-c', 'echo up; read line; ls /bin/sh'],
        {
          input: null,
        },
      );
      await waitFor(() => running.readStdout().includes('up'));
      const {stdout} = await winch.run(['prune', '--all']);
      assert.match(stdout, /^Untagged: .*small:1$/m);
      assert.doesNotMatch(stdout, /busybox/);
      const refused = await winch.run(['rmi', reference]);
      assert.equal(refused.exitCode, 6);
      const named = new RegExp(
        `IMAGE_IN_USE: image \\S+busybox:1 is used by container web \\(pid ${running.child.pid}\\)`,
      );
      assert.match(refused.stderr, named);
      assert.equal((await winch.run(['rmi', '--force', reference])).exitCode, 0);
      assert.equal((await winch.run(['images', '-q'])).stdout, '');
      running.stdin.end('\n');
      assert.equal((await running.exited).exitCode, 0);
    },
    {skip},
  );
});
