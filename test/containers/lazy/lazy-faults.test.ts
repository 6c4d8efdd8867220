import {randomBytes} from 'node:crypto';
import {text} from 'node:stream/consumers';
import {setTimeout as sleep} from 'node:timers/promises';
import * as assert from 'uvu/assert';
import type {TocLine} from '../../../fixtures/build-chunked-layer.ts';
import type {RunRequest} from '../../../src/containers/run.ts';
import {digestOf} from '../../../src/oci/digest.ts';
import {tracesOf} from '../../helpers/container-traces.ts';
import {rejectionOf} from '../../helpers/rejection-of.ts';
import {describe} from '../../helpers/suite.ts';
import {waitFor} from '../../helpers/wait-for.ts';
import {busyboxLayer, type Format, isAlive, missingLazy, serveLazyImage, serversBelow} from './lazy-rig.ts';

const skip = missingLazy();
const FORMATS: readonly Format[] = ['estargz', 'zstd:chunked'];
const NOISE = randomBytes(4_000_000);
const NOISY = [{path: 'noise', content: NOISE}];
const FAR = 'echo ready; read line; cat /noise >/dev/null && echo all of it';

for (const format of FORMATS) {
  describe(`containers/lazy faults with ${format}`, ({test: declare}) => {
    const test = (title: string, body: () => unknown) => declare(title, body, {skip});

    test('content that is another one than its table says is an input/output error, and told by its code', async () => {
      const wrong = digestOf(Buffer.from('wrong'));
      const change = (line: TocLine): TocLine =>
        line.name === 'noise' && 'chunkDigest' in line ? {...line, chunkDigest: wrong} : line;
      const source = {toc: (lines: readonly TocLine[]) => ({version: 1, entries: lines.map(change)})};
      await using app = await serveLazyImage([busyboxLayer(format, NOISY, source)]);
      const {output, stderr} = await app.run(
        'cat /noise | wc -c; cat /noise >/dev/null || echo failed; cat /etc/group',
      );
      assert.match(stderr, /input\/output error|I\/O error/i);
      assert.match(output, /^0\nfailed\nroot:x:0:/);
      assert.equal(app.warnings(), ['DIGEST_MISMATCH']);
      assert.match(app.messages()[0] ?? '', 'input/output error');
    });

    test('a registry that goes away is an input/output error for what has not come yet', async () => {
      await using app = await serveLazyImage([busyboxLayer(format, NOISY)]);
      await using process = await app.start(['sh', '-c', `${FAR}; cat /etc/passwd`], {interactive: true});
      await process.waitForLine('ready');
      app.registry.setFaults([{on: 'blob', status: 503}]);
      process.stdin.end('go\n');
      const [output, complaint] = await Promise.all([text(process.stdout), text(process.stderr)]);
      assert.match(complaint, /input\/output error|I\/O error/i);
      assert.not.match(output, 'all of it');
      assert.match(output, 'root:x:0:', 'what has come stays');
      assert.is((await process.finished).exitCode, 0);
      assert.equal(app.warnings(), ['REGISTRY_ERROR']);
    });

    test('R01 what is cut or damaged on the way is fetched once more', async () => {
      await using app = await serveLazyImage([busyboxLayer(format, NOISY)]);
      await using process = await app.start(['sh', '-c', FAR], {interactive: true});
      await process.waitForLine('ready');
      app.registry.setFaults([
        {on: 'blob', times: 1, flipByteAt: 1_000},
        {on: 'blob', every: 2, times: 2, truncateAt: 50_000},
      ]);
      process.stdin.end('go\n');
      assert.is(await text(process.stdout), 'all of it\n');
      assert.equal(app.warnings(), []);
    });

    test('tables that contradict themselves start nothing', async () => {
      for (const [code, change] of [
        ['LAYER_TOC_INVALID', {offset: 10 ** 9}],
        ['TAR_PATH', {name: '../../etc/passwd'}],
      ] as const) {
        const onNoise = (line: TocLine) => (line.name === 'noise' ? {...line, ...change} : line);
        const source = {toc: (lines: readonly TocLine[]) => ({version: 1, entries: lines.map(onNoise)})};
        await using app = await serveLazyImage([busyboxLayer(format, NOISY, source)]);
        assert.is(await codeOf(app.run('echo never')), code);
        assert.equal(serversBelow(process.pid), []);
      }
    });
  });
}

describe('containers/lazy that is killed', ({test: declare}) => {
  const test = (title: string, body: () => unknown) => declare(title, body, {skip});

  /** A container that runs and has not read all of its image. */
  const begin = async (script = FAR, more: Partial<RunRequest> = {}) => {
    const app = await serveLazyImage([busyboxLayer('estargz', NOISY)]);
    const container = await app.start(['sh', '-c', script], {interactive: true, ...more});
    await container.waitForLine('ready');
    const servers = serversBelow(process.pid);
    assert.is(servers.length, 1);
    return {app, container, id: await container.started, server: servers[0] ?? 0};
  };

  test('ends with its container, and leaves nothing', async () => {
    const {app, container, id, server} = await begin();
    await using _app = app;
    container.stdin.end('go\n');
    assert.is((await container.finished).exitCode, 0);
    assert.is(isAlive(server), false);
    assert.equal(tracesOf([id], placesOf(app)), []);
  });

  test('without the process that serves its files a run ends, and says so', async () => {
    const {app, container, id, server} = await begin(
      'trap "exit 3" TERM; echo ready; while cat /noise; do :; done; read line',
    );
    await using _app = app;
    process.kill(server, 'SIGKILL');
    container.stdout.resume();
    assert.is(await codeOf(container.finished), 'LAZY_SERVER_ENDED');
    assert.equal(tracesOf([id], placesOf(app)), []);
  });

  test('a registry that does not answer keeps no container from being killed', async () => {
    const {app, container, id, server} = await begin();
    await using _app = app;
    app.registry.setFaults([{on: 'blob', hang: true}]);
    const asked = app.registry.requests.length;
    container.stdin.end('go\n');
    await waitFor(() => app.registry.requests.length > asked);
    for (const _ of [1, 2, 3]) {
      container.kill('SIGTERM');
      await sleep(50);
    }
    assert.is((await container.finished).exitCode, 137);
    assert.is(isAlive(server), false);
    assert.equal(tracesOf([id], placesOf(app)), []);
  });

  test('signals reach the container as always', async () => {
    const {app, container, server} = await begin('trap "exit 7" TERM; echo ready; while :; do sleep 0.1; done');
    await using _app = app;
    container.kill('SIGTERM');
    assert.is((await container.finished).exitCode, 7);
    assert.is(isAlive(server), false);
  });
});

async function codeOf(action: Promise<unknown>): Promise<string> {
  const error = await rejectionOf(action);
  return 'code' in error ? String(error.code) : error.message;
}

const placesOf = ({root}: {readonly root: string}) => ({root, runtimeDirectory: `${root}/../run`});
