import * as assert from 'node:assert/strict';
import {createCipheriv} from 'node:crypto';
import {existsSync, readdirSync, readFileSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {buildImage} from '../../fixtures/build-image.ts';
import {buildTar} from '../../fixtures/build-tar.ts';
import {type Fault, type RegistryServer, startRegistry} from '../../fixtures/registry-server.ts';
import {digestOf} from '../../src/oci/digest.ts';
import {describe} from '../helpers/suite.ts';
import {waitFor} from '../helpers/wait-for.ts';
import {makeWinch, type Winch} from '../helpers/winch.ts';

const SEED = 20_261_121;
const KILLS = 8;
const PULLERS = 4;
const MB = 1_000_000;
const LAYERS = [16 * MB, 6 * MB, 2 * MB].map((bytes, index) =>
  buildTar([{path: `data-${index}`, content: noise(bytes, index)}]),
);
const IMAGE = buildImage({layers: LAYERS, compression: 'none'});
const IMAGE_BYTES = IMAGE.layers.reduce((sum, {bytes}) => sum + bytes.length, 0);
/** So slow that what a killed process has not read yet is little. */
const LINE = {on: 'blob', slow: {bytes: 32_768, pauseMs: 6}} as const satisfies Fault;
/** Whom a pull waits for. */
const WAITING = /: waiting for pid \d+ \(winch pull, started \d+ s ago\)$/m;

describe('e2e/resume', ({test}) => {
  test(
    'S01 a pull that is killed again and again fetches hardly a byte twice, and is no image before it is whole',
    async () => {
      await using registry = await serve([LINE]);
      using winch = makeWinch();
      const [reference, random] = [`${registry.host}/app:1`, createRandom(SEED)];
      for (let kill = 0; kill < KILLS; kill += 1) {
        const [before, momentBytes] = [sentBytes(registry), random() * 4 * MB];
        const pull = winch.start(['pull', reference]);
        await waitFor(() => sentBytes(registry) - before >= momentBytes || pull.child.exitCode !== null);
        pull.child.kill('SIGKILL');
        await pull.exited;
        const listed = await winch.run(['images', '-q']);
        assert.equal(listed.exitCode, 0);
        if (listed.stdout !== '') requireWhole(winch);
      }
      const {exitCode, stdout, stderr} = await winch.run(['pull', reference]);
      assert.deepEqual([exitCode, stdout], [0, `${IMAGE.manifest.digest}\n`], stderr);
      requireWhole(winch);
      assert.deepEqual(readdirSync(join(winch.root, 'ingest')), []);
      const ratio = sentBytes(registry) / IMAGE_BYTES;
      // What a killed process had not read yet lies in the kernel's buffers: more of it on a busy machine.
      assert.ok(ratio <= 1.5, `seed ${SEED}: ${ratio} times the image was sent`);
    },
    {timeoutMs: 120_000},
  );

  test(
    'S09 when the one process that downloads is killed, another goes on at its last byte',
    async () => {
      await using registry = await serve([LINE]);
      using winch = makeWinch();
      const reference = `${registry.host}/app:1`;
      const leader = winch.start(['pull', reference]);
      await waitFor(() => sentBytes(registry) > 0);
      const followers = Array.from({length: PULLERS - 1}, () => winch.start(['pull', reference]));
      await waitFor(() => followers.every(({readStderr}) => WAITING.test(readStderr())));
      leader.child.kill('SIGKILL');
      for (const {exited} of followers) {
        const {exitCode, stdout, stderr} = await exited;
        assert.deepEqual([exitCode, stdout], [0, `${IMAGE.manifest.digest}\n`], stderr);
      }
      requireWhole(winch);
      for (const {digest} of IMAGE.layers) {
        const starts = registry.requests.filter(({url}) => url.endsWith(digest)).map(({headers}) => headers.range);
        assert.ok(starts.length <= 2, `${starts.length} requests`);
        if (starts.length === 2) assert.match(starts[1] ?? '', /^bytes=\d+-$/);
      }
      const ratio = sentBytes(registry) / IMAGE_BYTES;
      assert.ok(ratio <= 1.2, `${ratio} times the image was sent`);
    },
    {timeoutMs: 120_000},
  );

  test('S19 Ctrl-C keeps what was received', async () => {
    await using registry = await serve([LINE]);
    using winch = makeWinch();
    const reference = `${registry.host}/app:1`;
    const pull = winch.start(['pull', reference]);
    await waitFor(() => sentBytes(registry) > 3 * MB);
    pull.child.kill('SIGINT');
    assert.equal((await pull.exited).exitCode, 130);
    const kept = partialBytes(winch);
    assert.ok(kept > MB, `${kept} bytes were kept`);
    registry.setFaults([]);
    const before = sentBytes(registry);
    assert.equal((await winch.run(['pull', reference])).exitCode, 0);
    assert.equal(sentBytes(registry) - before, IMAGE_BYTES - kept);
    requireWhole(winch);
  });

  test(
    'R08 two processes leave a registry alone that refuses every third request for a second',
    async () => {
      await using registry = await serve([{on: 'any', every: 3, status: 429, headers: {'retry-after': '1'}, body: ''}]);
      registry.put('app', '2', buildImage({layers: [buildTar([{path: 'other', content: noise(1000, 9)}])]}));
      using winch = makeWinch();
      const pulls = await Promise.all(['1', '2'].map((tag) => winch.run(['pull', `${registry.host}/app:${tag}`])));
      for (const {exitCode, stderr} of pulls) assert.equal(exitCode, 0, stderr);
      const refusals = registry.requests.filter(({status}) => status === 429);
      assert.ok(refusals.length > 0);
      // What was sent before the refusal came back cannot be called back.
      const [own, rest] = [250, 990];
      const tooEarly = registry.requests.filter(({at}) =>
        refusals.some((refusal) => at > refusal.at + own && at < refusal.at + rest),
      );
      assert.deepEqual(tooEarly, []);
    },
    {timeoutMs: 120_000},
  );

  test('R17 a registry that goes away in the middle of a pull and comes back', async () => {
    const first = await serve([LINE]);
    using winch = makeWinch();
    const pull = winch.start(['pull', `${first.host}/app:1`]);
    await waitFor(() => sentBytes(first) > 3 * MB);
    await first.close();
    await sleep(1500);
    await using second = await serve([], Number(first.host.split(':')[1]));
    const {exitCode, stderr} = await pull.exited;
    assert.equal(exitCode, 0, stderr);
    requireWhole(winch);
    assert.ok(sentBytes(second) < IMAGE_BYTES, 'it went on where it was');
  });
});

async function serve(faults: readonly Fault[], port = 0): Promise<RegistryServer> {
  const registry = await startRegistry({faults, port});
  registry.put('app', '1', IMAGE);
  return registry;
}

/** Of the layers. */
const sentBytes = ({requests}: RegistryServer): number =>
  requests
    .filter(({url}) => IMAGE.layers.some(({digest}) => url.endsWith(digest)))
    .reduce((sum, {bytes}) => sum + bytes, 0);

function requireWhole({root}: Winch): void {
  for (const {digest} of IMAGE.layers) {
    assert.equal(digestOf(readFileSync(join(root, 'blobs', digest.replace(':', '/')))), digest);
  }
}

/** Of all layers, those that are whole included. */
const partialBytes = ({root}: Winch): number =>
  IMAGE.layers
    .flatMap(({digest}) => [
      join(root, 'ingest', `blob-${digest.replace(':', '-')}`),
      join(root, 'blobs', digest.replace(':', '/')),
    ])
    .filter((path) => existsSync(path))
    .reduce((sum, path) => sum + statSync(path).size, 0);

/** xorshift32: the same moments in every run. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** Bytes that no compression shortens, the same for each seed. */
function noise(length: number, seed: number): Buffer {
  return createCipheriv('aes-128-ctr', Buffer.alloc(16, seed + 1), Buffer.alloc(16)).update(Buffer.alloc(length));
}
