import * as assert from 'node:assert/strict';
import {existsSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {buildImage} from '../../fixtures/build-image.ts';
import {buildTar} from '../../fixtures/build-tar.ts';
import {busyboxImage} from '../../fixtures/busybox-image.ts';
import {type RegistryServer, startRegistry} from '../../fixtures/registry-server.ts';
import {missingFor} from '../helpers/requires.ts';
import {describe} from '../helpers/suite.ts';
import {waitFor} from '../helpers/wait-for.ts';
import {makeWinch, type Winch, type WinchProcess} from '../helpers/winch.ts';

const skip = missingFor('runc', 'busybox');
const SEED = 20_240_101;
const KILLS = 10;
/** A pull of the image below takes about as long. */
const LATEST_KILL_MS = 450;

const LAYERS = Array.from({length: 6}, (_, index) =>
  buildTar([{path: `file-${index}`, content: pseudoRandomBytes(400_000, index + 1)}]),
);
const IMAGE = buildImage({layers: LAYERS});

describe('e2e/concurrency', ({test}) => {
  for (const count of [2, 16]) {
    test(`S09 fetches each blob once when ${count} processes pull the same image at once`, async () => {
      await using registry = await serve();
      using winch = makeWinch();
      registry.setFaults([{on: 'blob', slow: {bytes: 100_000, pauseMs: 20}}]);
      const reference = `${registry.host}/app:1`;
      const pulls = await Promise.all(Array.from({length: count}, () => winch.run(['pull', reference])));
      for (const {exitCode, stdout, stderr} of pulls) {
        assert.deepEqual([exitCode, stdout], [0, `${IMAGE.manifest.digest}\n`], stderr);
      }
      const layers = IMAGE.layers.map(({digest}) => registry.requests.filter(({url}) => url.endsWith(digest)).length);
      assert.deepEqual(
        layers,
        LAYERS.map(() => 1),
      );
      assert.deepEqual(readIngest(winch), []);
      assert.equal((await winch.run(['images', '-q'])).stdout.trim().split('\n').length, 1);
    });
  }

  test('finishes a pull that another process was killed in', async () => {
    await using registry = await serve();
    using winch = makeWinch();
    const [reference, random] = [`${registry.host}/app:1`, createRandom(SEED)];
    let interrupted = 0;
    for (let round = 0; round < KILLS; round += 1) {
      registry.setFaults([{on: 'blob', slow: {bytes: 100_000, pauseMs: 30}}]);
      const killed = winch.start(['pull', reference]);
      const momentMs = 50 + random() * LATEST_KILL_MS;
      await sleep(momentMs);
      killed.child.kill('SIGKILL');
      if ((await killed.exited).signal === 'SIGKILL') interrupted += 1;
      registry.setFaults([]);
      const listed = await winch.run(['images', '-q']);
      assert.deepEqual([listed.exitCode, listed.stderr], [0, ''], `killed after ${momentMs} ms`);
      const {exitCode, stderr} = await winch.run(['pull', reference]);
      assert.equal(exitCode, 0, `killed after ${momentMs} ms: ${stderr}`);
      // Who is killed between writing a document and naming it leaves that; a removal takes it along.
      const isDocument = (name: string) => name.startsWith('document-');
      assert.deepEqual(
        readIngest(winch).filter((name) => !isDocument(name)),
        [],
        `killed after ${momentMs} ms`,
      );
      writeFileSync(join(winch.root, 'ingest', `document-sha256-${'0'.repeat(64)}-01234567`), 'half');
      assert.equal((await winch.run(['rmi', reference])).exitCode, 0);
      assert.deepEqual([...readContent(winch), ...readIngest(winch)], [], `killed after ${momentMs} ms`);
    }
    assert.ok(interrupted >= KILLS / 2, `${interrupted} of ${KILLS} pulls were still running`);
  });

  test('ends within a second of Ctrl-C, and the next pull succeeds', async () => {
    await using registry = await serve();
    using winch = makeWinch();
    const reference = `${registry.host}/app:1`;
    registry.setFaults([{on: 'blob', slow: {bytes: 1000, pauseMs: 50}}]);
    const pull = winch.start(['pull', reference]);
    await waitFor(() => registry.requests.filter((request) => request.class === 'blob').length > 1);
    const start = performance.now();
    pull.child.kill('SIGINT');
    const {exitCode, stdout, stderr} = await pull.exited;
    assert.ok(performance.now() - start < 1000, `${performance.now() - start} ms`);
    assert.deepEqual([exitCode, stdout], [130, '']);
    assert.match(stderr, /^winch: INTERRUPTED: /m);
    registry.setFaults([]);
    assert.equal((await winch.run(['pull', reference])).exitCode, 0);
    assert.deepEqual(readIngest(winch), []);
  });

  test(
    'ends the container of a process that is killed, and the next run leaves nothing of it',
    async () => {
      await using registry = await startRegistry();
      registry.put('busybox', '1', busyboxImage());
      using winch = makeWinch();
      const reference = `${registry.host}/busybox:1`;
      const running = winch.start(['--progress', 'json', 'run', reference, 'sh', '-c', 'echo up; exec sleep 300']);
      const stateFile = () => join(winch.runtimeDirectory, 'runc', startedId(running) ?? '', 'state.json');
      await waitFor(() => startedId(running) !== null && existsSync(stateFile()));
      const id = startedId(running) ?? '';
      const {init_process_pid: pid} = JSON.parse(readFileSync(stateFile(), 'utf8'));
      running.child.kill('SIGKILL');
      await running.exited;
      await waitFor(() => !existsSync(`/proc/${pid}`));
      assert.equal((await winch.run(['run', reference, 'true'])).exitCode, 0);
      assert.deepEqual(findTraces(id, winch), []);
    },
    {skip},
  );

  test(
    'U15 runs several containers of one image at once',
    async () => {
      await using registry = await startRegistry();
      registry.put('busybox', '1', busyboxImage());
      using winch = makeWinch();
      const words = (index: number) => ['run', `${registry.host}/busybox:1`, 'sh', '-c', `echo ${index} > /n; cat /n`];
      const runs = await Promise.all(Array.from({length: 6}, (_, index) => winch.run(words(index))));
      const outputs = runs.map(({exitCode, stdout}) => `${exitCode} ${stdout}`);
      assert.deepEqual(
        outputs,
        runs.map((_, index) => `0 ${index}\n`),
      );
    },
    {skip},
  );
});

async function serve(): Promise<RegistryServer> {
  const registry = await startRegistry();
  registry.put('app', '1', IMAGE);
  return registry;
}

/** What downloads have left behind. */
const readIngest = ({root}: Winch): readonly string[] => readdirSync(join(root, 'ingest'));
const readContent = ({root}: Winch): readonly string[] =>
  ['blobs', 'layers'].flatMap((name) => readdirSync(join(root, name, 'sha256')));

/** The id of the container that a run with JSON progress has started. */
const startedId = (run: WinchProcess): string | null =>
  /"type":"container:started","id":"([0-9a-f]+)"/.exec(run.readStderr())?.[1] ?? null;

/** Every mount, cgroup and directory that names the container. */
function findTraces(id: string, {root, runtimeDirectory}: Winch): readonly string[] {
  const directories = [join(root, 'containers'), join(runtimeDirectory, 'containers'), join(runtimeDirectory, 'runc')];
  const names = [...directories, ...cgroupRoots()].flatMap((parent) =>
    readdirSync(parent).map((name) => join(parent, name)),
  );
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  return [...names, ...mounts].filter((trace) => trace.includes(id));
}

const cgroupRoots = (): readonly string[] =>
  existsSync('/sys/fs/cgroup/cgroup.controllers')
    ? ['/sys/fs/cgroup']
    : readdirSync('/sys/fs/cgroup').map((name) => `/sys/fs/cgroup/${name}`);

/** xorshift32: the same moments and bytes in every run. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

function pseudoRandomBytes(length: number, seed: number): Buffer {
  const random = createRandom(seed);
  return Buffer.from(Array.from({length}, () => Math.floor(random() * 256)));
}
