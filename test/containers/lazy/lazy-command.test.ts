import {randomBytes} from 'node:crypto';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {type BuiltLayer, buildChunkedImage} from '../../../fixtures/build-chunked-layer.ts';
import {startRegistry} from '../../../fixtures/registry-server.ts';
import {processes, tracesOf} from '../../helpers/container-traces.ts';
import {describe} from '../../helpers/suite.ts';
import {waitFor} from '../../helpers/wait-for.ts';
import {makeWinch} from '../../helpers/winch.ts';
import {busyboxLayer, isAlive, missingLazy, serversBelow} from './lazy-rig.ts';

const skip = missingLazy();
const NOISE = randomBytes(3_000_000);

describe('winch run --lazy', ({test: declare}) => {
  const test = (title: string, body: () => unknown) => declare(title, body, {skip});

  const serve = async (layer: BuiltLayer) => {
    const registry = await startRegistry();
    registry.put('app', '1', buildChunkedImage([layer], {config: {Env: ['PATH=/bin']}}));
    return {registry, image: `${registry.host}/app:1`};
  };
  const layer = () => busyboxLayer('zstd:chunked', [{path: 'noise', content: NOISE}]);

  test('prints what the container does, and nothing else', async () => {
    const {registry, image} = await serve(layer());
    await using _registry = registry;
    using winch = makeWinch();
    const {exitCode, stdout, stderr} = await winch.run(['run', '--lazy', image, 'sh', '-c', 'md5sum </noise; exit 4']);
    assert.is(exitCode, 4);
    assert.match(stdout, /^[0-9a-f]{32} /);
    assert.is(stderr, '');
    assert.is((await winch.run(['images', '-q'])).stdout, '');
    assert.is(
      (await winch.run(['pull', '-q', '--platform', 'linux/amd64', image])).exitCode,
      0,
      'a store begins there',
    );
  });

  test('shows a user namespace the owners of the image', async () => {
    const {registry, image} = await serve(layer());
    await using _registry = registry;
    using winch = makeWinch();
    const words = [
      '--uidmap',
      '0:300000:65536',
      image,
      'sh',
      '-c',
      'stat -c %u /noise; md5sum </noise; cat /proc/self/uid_map',
    ];
    const {exitCode, stdout, stderr} = await winch.run(['run', '--lazy', ...words]);
    assert.is(exitCode, 0, stderr);
    assert.is(stderr, '');
    assert.match(stdout, /^0\n[0-9a-f]{32} .*\n +0 +300000 +65536\n$/);
  });

  test('says in one line why the image is pulled', async () => {
    const {registry, image} = await serve(layer());
    await using _registry = registry;
    using winch = makeWinch();
    const {stdout, stderr} = await winch.run(['run', '-q', '--lazy', '-v', 'data:/data', image, 'echo', 'here']);
    assert.is(stdout, 'here\n');
    assert.match(stderr, /^warning: LAZY_FALLBACK: the image is pulled: volumes are filled with its files\n$/);
  });

  test('goes with no flag that leaves nothing to fetch', async () => {
    using winch = makeWinch();
    for (const words of [
      ['--pull', 'never', 'app'],
      ['--detach', 'app'],
      ['--bundle', 'directory'],
    ]) {
      const {exitCode, stderr} = await winch.run(['run', '--lazy', ...words]);
      assert.is(exitCode, 125, stderr);
      assert.match(stderr, 'FLAGS_CONFLICT');
    }
  });

  test('killed, it leaves neither a process nor a mount, and the next command clears its directories', async () => {
    const {registry, image} = await serve(layer());
    await using _registry = registry;
    using winch = makeWinch();
    const idFile = join(winch.directory, 'id');
    const run = winch.start(
      ['run', '--lazy', '--cidfile', idFile, '-i', image, 'sh', '-c', 'echo ready; read line; cat /noise'],
      {input: null},
    );
    await waitFor(() => run.readStdout() !== '');
    const id = readFileSync(idFile, 'utf8').trim();
    const servers = serversBelow(run.child.pid ?? 0);
    assert.is(servers.length, 1);
    run.child.kill('SIGKILL');
    await run.exited;
    await waitFor(() => servers.every((pid) => !isAlive(pid)));
    await waitFor(() => !processes().some(({words}) => words.some((word) => word.includes(id))));
    await winch.run(['ps']);
    assert.equal(tracesOf([id], winch), []);
  });

  test('killed before anything is mounted, it leaves no process', async () => {
    const {registry, image} = await serve(layer());
    await using _registry = registry;
    using winch = makeWinch();
    registry.setFaults([{on: 'blob', hang: true}]);
    const run = winch.start(['run', '--lazy', image, 'true'], {input: null});
    await waitFor(() => registry.requests.some(({class: of}) => of === 'blob'));
    const servers = serversBelow(run.child.pid ?? 0);
    assert.is(servers.length, 1);
    run.child.kill('SIGKILL');
    await run.exited;
    await waitFor(() => servers.every((pid) => !isAlive(pid)));
  });

  test('killed with everything that belongs to it, it leaves nothing that the next command does not clear', async () => {
    const {registry, image} = await serve(layer());
    await using _registry = registry;
    using winch = makeWinch();
    const idFile = join(winch.directory, 'id');
    const run = winch.start(['run', '--lazy', '--cidfile', idFile, '-i', image, 'sh', '-c', 'echo ready; read line'], {
      input: null,
    });
    await waitFor(() => run.readStdout() !== '');
    const id = readFileSync(idFile, 'utf8').trim();
    const all = [run.child.pid ?? 0, ...serversBelow(run.child.pid ?? 0)];
    const watchers = processes().filter(({words}) => words.includes('winch-lifeline') && words.includes(id));
    for (const pid of [...watchers.map(({pid}) => pid), ...all]) process.kill(pid, 'SIGKILL');
    await run.exited;
    await winch.run(['ps']);
    await waitFor(() => !processes().some(({words}) => words.some((word) => word.includes(id))));
    assert.equal(tracesOf([id], winch), []);
  });
});
