import {existsSync, mkdirSync} from 'node:fs';
import {join} from 'node:path';
import {text} from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import {buildTar} from '../../fixtures/build-tar.ts';
import {busyboxImage} from '../../fixtures/busybox-image.ts';
import {startRegistry} from '../../fixtures/registry-server.ts';
import {openTestStore, type TestStore} from '../helpers/open-store.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {missingFor, missingRoot} from '../helpers/requires.ts';
import {requireProgram} from '../helpers/run-program.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';

const skip = missingFor('runc', 'busybox') ?? missingRoot();
const MANY = 450;
const TOO_MANY = 500;
const WRITE = 'echo text > /file && cat /file';
const BLOCK_BYTES = 4096;
/** More are refused, as SQLite would. */
const LONGEST_ROOT_BYTES = 350;

/** Runs whose store lies where an overlay meets a limit. */
describe('containers (odd stores)', ({test: declare}) => {
  const test = (title: string, body: () => unknown) => declare(title, body, {skip, timeoutMs: 120_000});

  test('U16 what a full disk cannot take is an error of the program, and the run ends by itself', () =>
    inDirectory(async (directory) => {
      await using mounted = await mount('tmpfs', 'size=24m', directory);
      await using store = await openStore(mounted.path);
      await requireProgram('sh', ['-c', `dd if=/dev/zero of=${mounted.path}/filler bs=64k 2>/dev/null || true`]);
      const full = await runOf(store, WRITE);
      assert.match(full.output, /No space left on device/);
      assert.is(full.exitCode, 1);
      assert.equal(await runOf(store, 'echo text'), {output: 'text\n', exitCode: 0});
      const free = await requireProgram('stat', ['-f', '-c', '%a', mounted.path]);
      assert.ok(Number(free) * BLOCK_BYTES < BLOCK_BYTES * 2, `the disk was full: ${free}`);
    }));

  test('U16 where the disk takes no overlay, memory takes what is written', () =>
    inDirectory(async (directory) => {
      const [lower, upper, merged] = ['lower', 'upper', 'merged'].map((name) => join(directory, name));
      for (const path of [lower, upper, merged]) mkdirSync(path ?? '');
      await using below = await mount('tmpfs', 'size=64m', upper ?? '');
      for (const name of ['upper', 'work']) mkdirSync(join(below.path, name));
      const options = `lowerdir=${lower},upperdir=${below.path}/upper,workdir=${below.path}/work`;
      await using overlay = await mount('overlay', options, merged ?? '');
      await using store = await openStore(overlay.path);
      assert.equal(await runOf(store, WRITE), {output: 'text\n', exitCode: 0});
    }));

  test('U16 a root with a path of hundreds of bytes is mounted, and a longer one refused', () =>
    inDirectory(async (directory) => {
      const half = join(directory, 'x'.repeat(160));
      const name = 'y'.repeat(LONGEST_ROOT_BYTES - half.length - 1);
      await using store = await openStore(half, name);
      assert.ok(existsSync(join(half, name, 'winch.db')));
      assert.equal(await runOf(store, WRITE), {output: 'text\n', exitCode: 0});
      const longer = 'z'.repeat(LONGEST_ROOT_BYTES - half.length);
      assert.is((await rejectionOf(openStore(half, longer))).code, 'STORE_PATH');
    }));

  test('U16 hundreds of layers are one root file system, and what no overlay takes is refused by number', () =>
    inDirectory(async (directory) => {
      await using store = await openStore(directory);
      await using registry = await startRegistry();
      const layers = Array.from({length: TOO_MANY - 1}, (_, index) => buildTar([{path: `l${index}`, content: ''}]));
      registry.put('layers', 'many', busyboxImage({layers: layers.slice(0, MANY)}));
      registry.put('layers', 'too-many', busyboxImage({layers}));
      const pull = async (tag: string) => {
        await store.toolkit.images.pull(`${registry.host}/layers:${tag}`, {platform: 'linux/amd64'});
        return `${registry.host}/layers:${tag}`;
      };
      assert.equal(await runOf(store, 'ls /l* | wc -l', await pull('many')), {output: `${MANY}\n`, exitCode: 0});
      const error = await rejectionOf(runOf(store, 'true', await pull('too-many')));
      assert.is(error.code, 'LIMIT_LAYERS');
      assert.match(error.message, /^50\d layers do not fit into one overlay mount$/);
    }));
});

async function inDirectory(body: (directory: string) => Promise<void>): Promise<void> {
  using directory = makeTemporaryDirectory();
  await body(directory.path);
}

async function openStore(directory: string, name = 'store'): Promise<TestStore> {
  const store = await openTestStore({root: join(directory, name), durability: 'fast'});
  await using registry = await startRegistry();
  registry.put('busybox', '1', busyboxImage());
  await store.toolkit.images.pull(`${registry.host}/busybox:1`, {platform: 'linux/amd64'});
  await store.toolkit.images.tag(`${registry.host}/busybox:1`, 'busybox');
  return store;
}

async function runOf({toolkit}: TestStore, script: string, image = 'busybox') {
  await using run = await toolkit.containers.spawn({
    ...{image, policy: 'never', container: {command: ['sh', '-c', script]}},
  });
  const [stdout, stderr] = await Promise.all([text(run.stdout), text(run.stderr)]);
  const {exitCode} = await run.finished;
  return {output: `${stdout}${stderr}`, exitCode};
}

interface Mounted extends AsyncDisposable {
  readonly path: string;
}

async function mount(type: string, options: string, path: string): Promise<Mounted> {
  await requireProgram('mount', ['-t', type, '-o', options, type, path]);
  return {path, [Symbol.asyncDispose]: async () => void (await requireProgram('umount', [path]))};
}
