import {randomBytes} from 'node:crypto';
import {existsSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {buildTar} from '../../fixtures/build-tar.ts';
import {startRegistry} from '../../fixtures/registry-server.ts';
import {askSocket} from '../engine-api/serve-store.ts';
import {describe} from '../helpers/suite.ts';
import {waitFor} from '../helpers/wait-for.ts';
import {makeWinch, type Winch} from '../helpers/winch.ts';
import {baseTar, imageOf} from '../images/sample-images.ts';

describe('e2e/serve', ({test}) => {
  const serve = async (winch: Winch, ...words: readonly string[]) => {
    const socketPath = join(winch.directory, 'winch.sock');
    const server = winch.start(['serve', '--host', `unix://${socketPath}`, ...words]);
    await waitFor(() => server.readStderr() === `winch: listening on unix://${socketPath}\n`);
    return {server, socketPath};
  };

  test('shows the images of the store, until it is told to end', async () => {
    using winch = makeWinch();
    await using registry = await startRegistry();
    registry.put('app', '1', imageOf([baseTar]));
    const {server, socketPath} = await serve(winch);
    const image = `${registry.host}/app:1`;
    assert.is((await winch.run(['pull', image])).exitCode, 0);
    const rows = (await askSocket(socketPath, 'GET /images/json')).json() as {RepoTags: string[]}[];
    assert.equal(
      rows.map(({RepoTags}) => RepoTags),
      [[image]],
    );
    assert.is((await askSocket(socketPath, `DELETE /images/${image}`)).status, 200);
    assert.is((await winch.run(['images', '-q'])).stdout, '');
    server.child.kill('SIGTERM');
    assert.is((await server.exited).exitCode, 0);
    assert.not.ok(existsSync(socketPath));
  });

  test('a killed one makes room for the next, and the next ends by itself', async () => {
    using winch = makeWinch();
    const killed = await serve(winch);
    killed.server.child.kill('SIGKILL');
    await killed.server.exited;
    assert.ok(existsSync(killed.socketPath));
    const {server, socketPath} = await serve(winch, '--idle-timeout', '1s');
    assert.is((await askSocket(socketPath, 'GET /_ping')).status, 200);
    assert.is((await server.exited).exitCode, 0);
    assert.not.ok(existsSync(socketPath));
  });

  test('listens on what systemd hands over, and leaves the socket behind', async () => {
    using winch = makeWinch();
    const socketPath = join(winch.directory, 'winch.sock');
    // Waits with all that it is, so that nobody but the command takes connections.
    const handOver = `
      const server = require('node:net').createServer().listen(${JSON.stringify(socketPath)}, () => {
        const words = ['-c', 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"', 'sh', ...process.argv.slice(1)];
        const stdio = ['inherit', 'inherit', 'inherit', server._handle.fd];
        process.exit(require('node:child_process').spawnSync('sh', words, {stdio}).status);
      });`;
    const within = [process.execPath, '-e', handOver, '--'];
    const server = winch.start(['serve', '--idle-timeout', '1s'], {within});
    await waitFor(() => server.readStderr() === 'winch: listening on fd://3\n');
    assert.is((await askSocket(socketPath, 'GET /_ping')).status, 200);
    assert.is((await server.exited).exitCode, 0);
    assert.ok(existsSync(socketPath));
  });

  const serveRegistry = async (winch: Winch) => {
    const server = winch.start(['serve', '--registry', '127.0.0.1:0']);
    await waitFor(() => server.readStderr().endsWith('\n'));
    const [, address] = /^winch: listening on tcp:\/\/(127\.0\.0\.1:\d+)\n$/.exec(server.readStderr()) ?? [];
    assert.ok(address, server.readStderr());
    return {server, address};
  };

  test('a registry that is killed goes on at the last byte when it is served again', async () => {
    using winch = makeWinch();
    using other = makeWinch();
    await using registry = await startRegistry();
    const large = imageOf([buildTar([{path: 'large', content: randomBytes(3_000_000)}])]);
    registry.put('app', '1', large);
    const name = `${registry.host.replace(':', '_')}/app:1`;
    registry.setFaults([{on: 'blob', matching: large.layers[0]?.digest ?? '', slow: {bytes: 300_000, pauseMs: 200}}]);
    const killed = await serveRegistry(winch);
    const pulling = other.start(['pull', `${killed.address}/${name}`]);
    const isArriving = () => registry.requests.some(({class: kind, bytes}) => kind === 'blob' && bytes > 1_000_000);
    await waitFor(isArriving);
    killed.server.child.kill('SIGKILL');
    await killed.server.exited;
    pulling.child.kill('SIGKILL');
    await pulling.exited;
    registry.setFaults([]);
    const asked = registry.requests.length;
    const {server, address} = await serveRegistry(winch);
    const {exitCode, stderr} = await other.run(['pull', `${address}/${name}`]);
    assert.is(exitCode, 0, stderr);
    const ranges = registry.requests.slice(asked).flatMap(({headers}) => headers.range ?? []);
    assert.ok(ranges.length > 0);
    server.child.kill('SIGTERM');
    assert.is((await server.exited).exitCode, 0);
  });

  test('offers its images as a registry, and fetches what it lacks', async () => {
    using winch = makeWinch();
    using other = makeWinch();
    await using registry = await startRegistry();
    registry.put('app', '1', imageOf([baseTar]));
    const {server, address} = await serveRegistry(winch);
    const name = `${registry.host.replace(':', '_')}/app`;
    const {exitCode, stderr} = await other.run(['pull', `${address}/${name}:1`]);
    assert.is(exitCode, 0, stderr);
    server.child.kill('SIGTERM');
    assert.is((await server.exited).exitCode, 0);
  });

  test('refuses hosts that are no socket', async () => {
    using winch = makeWinch();
    for (const host of ['tcp://0.0.0.0:2375', '/run/x.sock', 'unix://relative']) {
      const {exitCode, stderr} = await winch.run(['serve', '--host', host]);
      assert.is(exitCode, 2);
      assert.match(stderr, /--host/);
    }
  });
});
