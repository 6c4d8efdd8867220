import * as assert from 'node:assert/strict';
import {createHash} from 'node:crypto';
import {join} from 'node:path';
import {buildImage} from '../../fixtures/build-image.ts';
import {buildTar} from '../../fixtures/build-tar.ts';
import {busyboxImage} from '../../fixtures/busybox-image.ts';
import {type RegistryServer, startRegistry} from '../../fixtures/registry-server.ts';
import {type MountNamespace, openMountNamespace} from '../helpers/mount-namespace.ts';
import {missingFor} from '../helpers/requires.ts';
import {requireProgram} from '../helpers/run-program.ts';
import {findStoreProblems} from '../helpers/store-problems.ts';
import {describe} from '../helpers/suite.ts';
import {waitFor} from '../helpers/wait-for.ts';
import {makeWinch, type Winch, type WinchExit} from '../helpers/winch.ts';

const skip = missingFor('runc', 'busybox', 'unshare', 'nsenter', 'fallocate');
const CHECKER = join(import.meta.dirname, '../helpers/store-problems.ts');

const MIB = 2 ** 20;
const NOISE = createHash('shake256', {outputLength: 4 * MIB}).digest();
const LARGE = buildImage({layers: [buildTar([{path: 'noise', content: NOISE}])], compression: 'none'});
/** A small blob and a large layer file. */
const SWELLING = buildImage({layers: [buildTar([{path: 'zeros', content: Buffer.alloc(12 * MIB)}])]});
/** A blob that does not compress, whose layer file is guessed to be three times as large as it is. */
const PACKED = buildImage({layers: [buildTar([{path: 'noise', content: NOISE}])]});
const TWO_LAYERS = buildImage({
  layers: [
    buildTar([{path: 'first', content: NOISE.subarray(0, MIB)}]),
    buildTar([{path: 'zeros', content: Buffer.alloc(12 * MIB)}]),
  ],
});
const SMALL = buildImage({layers: [buildTar([{path: 'text', content: 'text'}])]});

interface FullDisk {
  readonly title: string;
  /** What is left on the disk when the command starts. */
  readonly leftBytes: number;
  readonly words: (host: string) => readonly string[];
}

const FULL_DISKS: readonly FullDisk[] = [
  {title: 'a blob', leftBytes: 2 * MIB, words: (host) => ['pull', '--download-only', `${host}/large:1`]},
  {title: 'a layer file', leftBytes: 8 * MIB, words: (host) => ['pull', `${host}/swelling:1`]},
  {title: 'the database', leftBytes: 0, words: (host) => ['tag', `${host}/old:1`, 'named:1']},
];

/** Of the only thread that handles files, and of the main thread, which has the database. */
const FAILING_CALLS = [
  ['fdatasync', 1],
  ['fsync', 6],
  ['rename', 1],
  ['rename', 2],
  ['rename', 3],
  ['pwrite64', 2],
] as const;

describe('e2e/failing-disk', ({test}) => {
  for (const {title, leftBytes, words} of FULL_DISKS) {
    test(
      `S05 a disk that is full at ${title} ends the command, harms nothing, and is enough again with more space`,
      async () => {
        await using registry = await serve();
        await using disk = await openSmallDisk(registry);
        await disk.fill(leftBytes);
        requireRefusal(await disk.run(words(registry.host)), 'STORE_FULL');
        await disk.requireRunning();
        await disk.fill(null);
        await disk.requireSound();
        requireSuccess(await disk.run(words(registry.host)));
        await disk.requireSound();
      },
      {skip},
    );
  }

  test(
    'S05 a pull that cannot fit ends before the first byte, with what it needs, what there is and what could be had back',
    async () => {
      await using registry = await serve();
      await using disk = await openSmallDisk(registry);
      const {host} = registry;
      requireSuccess(await disk.run(['pull', `${host}/small:1`]));
      requireSuccess(await disk.run(['tag', `${host}/old:1`, `${host}/small:1`]));
      await disk.fill(2 * MIB);
      const {stderr} = requireRefusal(await disk.run(['pull', `${host}/large:1`]), 'STORE_FULL');
      assert.match(stderr, /store has 3 MB free, and at least 9 MB are needed/);
      assert.match(stderr, /what no image needs takes 1 MB of it; winch df shows .* winch prune frees it/);
      const [layer] = LARGE.layers;
      assert.deepEqual(
        registry.requests.filter(({url}) => layer && url.endsWith(layer.digest)),
        [],
      );
    },
    {skip},
  );

  test(
    'S05 a pull that may not fit is tried, and says so',
    async () => {
      await using registry = await serve();
      await using disk = await openSmallDisk(registry);
      await disk.fill(11 * MIB);
      const {stderr} = requireSuccess(await disk.run(['pull', `${registry.host}/packed:1`]));
      assert.match(stderr, /store has 12 MB free, and about 17 MB may be needed/);
      await disk.requireSound();
    },
    {skip},
  );

  test(
    'S05 what arrived before the disk was full is not downloaded again',
    async () => {
      await using registry = await serve();
      await using disk = await openSmallDisk(registry);
      const pull = ['pull', `${registry.host}/two-layers:1`];
      const [first, zeros] = TWO_LAYERS.layers;
      registry.setFaults([{on: 'blob', matching: zeros?.digest ?? '', times: 1, delayMs: 1000}]);
      await disk.fill(9 * MIB);
      requireRefusal(await disk.run(pull), 'STORE_FULL');
      const before = registry.requests.length;
      await disk.requireRunning();
      await disk.fill(null);
      requireSuccess(await disk.run(pull));
      const again = registry.requests.slice(before).filter(({url}) => first && url.endsWith(first.digest));
      for (const {headers} of again) assert.match(headers.range ?? '', /^bytes=[1-9]/);
      await disk.requireSound();
    },
    {skip},
  );

  test(
    'S05 a blob that fills the disk itself goes on from there, and until then a prune is not kept from its work',
    async () => {
      await using registry = await serve();
      await using disk = await openSmallDisk(registry);
      const {host} = registry;
      const [layer] = LARGE.layers;
      const requests = () => registry.requests.filter(({url}) => layer && url.endsWith(layer.digest));
      registry.setFaults([{on: 'blob', matching: layer?.digest ?? '', times: 1, delayMs: 2000}]);
      const pull = ['pull', '--download-only', `${host}/large:1`];
      const pulling = disk.run(pull);
      await waitFor(() => requests().length > 0);
      await disk.fill(3 * MIB);
      requireRefusal(await pulling, 'STORE_FULL');
      requireSuccess(await disk.run(['prune']));
      await disk.requireRunning();
      await disk.fill(null);
      requireSuccess(await disk.run(pull));
      assert.match(requests().at(-1)?.headers.range ?? '', /^bytes=[1-9]/);
      await disk.requireSound();
    },
    {skip},
  );

  test(
    'S08 a storm of interrupted writes is no failure',
    async () => {
      await using registry = await serve();
      using winch = makeWinch();
      const calls = 'write,pwrite64,pwritev,rename';
      const inject = ['-e', `trace=${calls}`, '-e', `inject=${calls}:error=EINTR:when=2+2`];
      const within = ['strace', '-f', '-qq', '-o', '/dev/null', ...inject];
      requireSuccess(await winch.run(['pull', `${registry.host}/large:1`], {within}));
      assert.deepEqual(findStoreProblems(winch.root), []);
    },
    {skip: missingFor('strace')},
  );

  test(
    'S08 a write of which the disk takes a part ends the pull, and nothing is recorded',
    async () => {
      await using registry = await serve();
      for (const name of ['large', 'swelling']) {
        using winch = makeWinch();
        const pull = ['pull', `${registry.host}/${name}:1`];
        // The write that reaches the limit is cut there, and the next one fails.
        const within = ['prlimit', `--fsize=${MIB + 1}`];
        requireRefusal(await winch.run(pull, {within}), 'STORE_FULL', name);
        assert.equal((await winch.run(['images', '-q'])).stdout, '', name);
        requireSuccess(await winch.run(pull));
        assert.deepEqual(findStoreProblems(winch.root), [], name);
      }
    },
    {skip: missingFor('prlimit')},
  );

  test(
    'S08 a disk that cannot write, sync or rename ends the pull, and nothing is recorded',
    async () => {
      await using registry = await serve();
      const pull = ['pull', `${registry.host}/small:1`];
      for (const [call, count] of FAILING_CALLS) {
        using winch = makeWinch();
        const what = `${call} ${count}`;
        const inject = ['-e', `trace=${call}`, '-e', `inject=${call}:error=EIO:when=${count}`];
        const within = ['strace', '-f', '-qq', '-o', '/dev/null', ...inject];
        requireRefusal(await winch.run(pull, {within, env: {UV_THREADPOOL_SIZE: '1'}}), 'STORE_IO', what);
        assert.equal((await winch.run(['images', '-q'])).stdout, '', what);
        requireSuccess(await winch.run(pull));
        assert.deepEqual(findStoreProblems(winch.root), [], what);
      }
    },
    {skip: missingFor('strace')},
  );
});

async function serve(): Promise<RegistryServer> {
  const registry = await startRegistry();
  registry.put('old', '1', busyboxImage());
  registry.put('large', '1', LARGE);
  registry.put('swelling', '1', SWELLING);
  registry.put('small', '1', SMALL);
  registry.put('packed', '1', PACKED);
  registry.put('two-layers', '1', TWO_LAYERS);
  return registry;
}

interface SmallDisk extends AsyncDisposable {
  run(words: readonly string[]): Promise<WinchExit>;
  /** Leaves so many bytes; null: all that there are. */
  fill(leftBytes: number | null): Promise<void>;
  /** The image that was there runs. */
  requireRunning(): Promise<void>;
  requireSound(): Promise<void>;
}

/** A store with one image on a disk of its own. */
async function openSmallDisk({host}: RegistryServer): Promise<SmallDisk> {
  const winch = makeWinch();
  const path = join(winch.directory, 'disk');
  const namespace = await openMountNamespace('mkdir "$1"; mount -t tmpfs -o size=32m none "$1"', path);
  const root = join(path, 'store');
  const run = callIn({winch, namespace, root});
  requireSuccess(await run(['pull', `${host}/old:1`]));
  const requireRunning = async () => {
    const {stdout} = requireSuccess(await run(['run', '--network', 'none', `${host}/old:1`, 'echo', 'still here']));
    assert.equal(stdout, 'still here\n');
  };
  // Some drivers extract what is run for the first time, which takes space.
  await requireRunning();
  const runInside = (words: readonly string[]) => requireProgram('nsenter', [...namespace.within.slice(1), ...words]);
  const fill = 'rm -f "$1"; left=$(df -B1 --output=avail "$2" | tail -1); fallocate -l $((left - $3)) "$1"';
  return {
    run,
    fill: async (leftBytes) => {
      const filler = join(path, 'filler');
      if (leftBytes === null) await runInside(['rm', filler]);
      else await runInside(['sh', '-c', fill, 'sh', filler, path, String(leftBytes)]);
    },
    requireSound: async () => assert.equal(await runInside([process.execPath, CHECKER, root]), ''),
    requireRunning,
    [Symbol.asyncDispose]: async () => {
      await namespace[Symbol.asyncDispose]();
      winch[Symbol.dispose]();
    },
  };
}

interface Place {
  readonly winch: Winch;
  readonly namespace: MountNamespace;
  readonly root: string;
}

const callIn =
  ({winch, namespace: {within}, root}: Place) =>
  (words: readonly string[]) =>
    winch.run(words, {within, env: {WINCH_ROOT: root}});

function requireSuccess(exit: WinchExit): WinchExit {
  assert.equal(exit.exitCode, 0, exit.stderr);
  return exit;
}

function requireRefusal(exit: WinchExit, code: string, what = ''): WinchExit {
  assert.match(exit.stderr, new RegExp(`^winch: ${code}: `, 'm'), `${what}: ${exit.stderr}`);
  assert.equal(exit.exitCode, 6, what);
  return exit;
}
