import * as assert from 'node:assert/strict';
import {readdirSync} from 'node:fs';
import {join} from 'node:path';
import {buildImage} from '../../fixtures/build-image.ts';
import {buildTar} from '../../fixtures/build-tar.ts';
import {busyboxImage} from '../../fixtures/busybox-image.ts';
import {startRegistry} from '../../fixtures/registry-server.ts';
import {missingFor} from '../helpers/requires.ts';
import {findStoreProblems} from '../helpers/store-problems.ts';
import {describe} from '../helpers/suite.ts';
import {makeWinch, type Winch} from '../helpers/winch.ts';

const OLD = busyboxImage();
const NEW = buildImage({
  layers: [1, 2].map((fill) => buildTar([{path: `file-${fill}`, content: Buffer.alloc(400_000, fill)}])),
});
const RUN = ['run', '--rm', '--network', 'none'];
/** Which rename of the thread that makes them all is the last thing that the process does. */
const MOMENTS = [2, 4];

/** A machine that has pulled an image and saved it, and a fresh one that can ask no registry. */
async function openMachines() {
  await using registry = await startRegistry();
  registry.put('old', '1', OLD);
  registry.put('new', '1', NEW);
  const [first, second] = [makeWinch(), makeWinch()];
  const [cache, old, fresh] = [join(first.directory, 'ci-cache'), `${registry.host}/old:1`, `${registry.host}/new:1`];
  await succeed(first, ['pull', old]);
  await succeed(first, ['cache', 'save', cache]);
  await succeed(first, ['pull', fresh]);
  const dispose = () => {
    first[Symbol.dispose]();
    second[Symbol.dispose]();
  };
  return {first, second, cache, old, fresh, [Symbol.dispose]: dispose};
}

async function succeed(winch: Winch, words: readonly string[]): Promise<string> {
  const {exitCode, stdout, stderr} = await winch.run(words);
  assert.equal(exitCode, 0, `${words.join(' ')}: ${stderr}`);
  return stdout;
}

async function killAtRename(winch: Winch, words: readonly string[], count: number): Promise<boolean> {
  const inject = ['-e', 'trace=rename', '-e', `inject=rename:signal=KILL:when=${count}`];
  const within = ['strace', '-f', '-qq', '-o', '/dev/null', ...inject];
  const {exitCode, signal} = await winch.run(words, {within, env: {UV_THREADPOOL_SIZE: '1'}});
  return signal === 'SIGKILL' || exitCode === 137;
}

describe('e2e/cache', ({test}) => {
  test(
    'a job on a fresh machine restores and runs at once, and no registry is asked',
    async () => {
      using machines = await openMachines();
      const {second, cache, old} = machines;
      assert.match(
        await succeed(second, ['cache', 'restore', cache]),
        /^Restored images: 1 \(layers: 1 restored, 0 present/,
      );
      assert.equal(await succeed(second, [...RUN, old, 'echo', 'it runs']), 'it runs\n');
      const again = JSON.parse(await succeed(second, ['cache', 'restore', '--format', 'json', cache]));
      assert.deepEqual([again.images[0].outcome, again.readBytes], ['present', 0]);
      await succeed(second, ['check', '--deep']);
    },
    {skip: missingFor('runc', 'busybox')},
  );

  test(
    'a killed save leaves a cache with what was saved before, and the next one completes it',
    async () => {
      using machines = await openMachines();
      const {first, second, cache, old, fresh} = machines;
      for (const moment of MOMENTS) {
        assert.ok(await killAtRename(first, ['cache', 'save', cache], moment), `rename ${moment}`);
        await succeed(second, ['cache', 'restore', cache]);
      }
      assert.equal(await succeed(second, [...RUN, old, 'echo', 'it runs']), 'it runs\n');
      await succeed(first, ['cache', 'save', cache]);
      const names = readdirSync(cache, {recursive: true}).map(String);
      assert.deepEqual(
        names.filter((name) => name.endsWith('.tmp')),
        [],
      );
      await succeed(second, ['cache', 'restore', cache]);
      await succeed(second, ['inspect', fresh]);
      assert.deepEqual(findStoreProblems(second.root), []);
    },
    {skip: missingFor('runc', 'busybox', 'strace')},
  );

  test(
    'a killed restore leaves a sound store, and the next one completes it',
    async () => {
      using machines = await openMachines();
      const {first, second, cache, old, fresh} = machines;
      await succeed(first, ['cache', 'save', cache]);
      for (const moment of MOMENTS) {
        assert.ok(await killAtRename(second, ['cache', 'restore', cache], moment), `rename ${moment}`);
        await succeed(second, ['check', '--deep']);
      }
      await succeed(second, ['cache', 'restore', cache]);
      assert.equal(await succeed(second, [...RUN, old, 'echo', 'it runs']), 'it runs\n');
      await succeed(second, ['inspect', fresh]);
      assert.deepEqual(findStoreProblems(second.root), []);
    },
    {skip: missingFor('runc', 'busybox', 'strace')},
  );
});
