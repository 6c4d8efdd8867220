import * as assert from 'node:assert/strict';
import {mkdirSync, readdirSync, renameSync, symlinkSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {openMountNamespace} from '../helpers/mount-namespace.ts';
import {APP_FILE, runWords, servePlaceImages} from '../helpers/place-images.ts';
import {requireRefusal, requireSuccess} from '../helpers/require-exit.ts';
import {missingFor} from '../helpers/requires.ts';
import {requireProgram} from '../helpers/run-program.ts';
import {findStoreProblems} from '../helpers/store-problems.ts';
import {describe} from '../helpers/suite.ts';
import {makeWinch, type Winch} from '../helpers/winch.ts';

const skip = missingFor('runc', 'busybox');

/** What options of mounts, URIs, shells and terminals make something of. */
const ODD_NAMES = [
  'a b,upperdir=c:d\\e\\054f',
  'line\nbreak \'quoted" 100%20?x=y#z',
  `größe 店 \x1b[31m ${'x'.repeat(180)}`,
];

async function requireWorking(winch: Winch, app: string, root: string): Promise<void> {
  const call = {env: {WINCH_ROOT: root}};
  const run = async (...words: readonly string[]) => requireSuccess(await winch.run(words, call), words.join(' '));
  assert.equal((await run(...runWords(app))).stdout, APP_FILE.content);
  await run('bundle', app, join(winch.directory, 'bundle'));
  await requireProgram('rm', ['-r', join(winch.directory, 'bundle')]);
  await run('export', '-o', join(winch.directory, 'files.tar'), app);
  await run('check', '--deep');
}

/** A dozen processes, one after the other, on a machine that has other things to do. */
const TIMEOUT_MS = 180_000;

describe('e2e/store-paths', ({test}) => {
  test(
    'S15 a path may hold whatever a path can',
    async () => {
      const {registry, app} = await servePlaceImages();
      await using _registry = registry;
      using winch = makeWinch();
      const root = join(winch.directory, ...ODD_NAMES, 'store');
      requireSuccess(await winch.run(['--root', root, 'pull', app]));
      await requireWorking(winch, app, root);
      assert.deepEqual(findStoreProblems(root), []);
    },
    {skip, timeoutMs: TIMEOUT_MS},
  );

  test(
    'S15 a store that was moved, copied or linked to is as it was',
    async () => {
      const {registry, app, other} = await servePlaceImages();
      await using _registry = registry;
      using winch = makeWinch();
      requireSuccess(await winch.run(['pull', app]));
      const [moved, copied, link] = ['moved', 'copied', 'link'].map((name) => join(winch.directory, name));
      assert.ok(moved && copied && link);
      renameSync(winch.root, moved);
      await requireProgram('cp', ['-a', moved, copied]);
      symlinkSync('moved', link);
      await requireWorking(winch, app, `${copied}/`);
      requireSuccess(await winch.run(runWords(app), {env: {WINCH_ROOT: link}}));
      const relative = 'cd "$WINCH_ROOT/.." && winch --root ./link/ pull';
      const call = {env: {WINCH_ROOT: moved}};
      requireSuccess(await winch.startShell(`${relative} ${other}`, call).exited);
      const {stdout} = requireSuccess(await winch.run(['images', '-q'], call));
      assert.equal(stdout.trim().split('\n').length, 2);
      assert.deepEqual([...findStoreProblems(moved), ...findStoreProblems(copied)], []);
    },
    {skip, timeoutMs: TIMEOUT_MS},
  );

  test(
    'S15 processes that see one store at two paths wait for each other',
    async () => {
      const {registry, app} = await servePlaceImages();
      await using _registry = registry;
      using winch = makeWinch();
      const other = join(winch.directory, 'other');
      mkdirSync(winch.root);
      await using namespace = await openMountNamespace('mkdir "$2"; mount --bind "$1" "$2"', winch.root, other);
      registry.setFaults([{on: 'blob', slow: {bytes: 50_000, pauseMs: 50}}]);
      const pull = (root: string) => winch.run(['pull', app], {...namespace, env: {WINCH_ROOT: root}});
      for (const exit of await Promise.all([pull(winch.root), pull(other)])) requireSuccess(exit);
      const asked = registry.requests.filter((request) => request.class === 'blob').map(({url}) => url);
      assert.equal(asked.length, new Set(asked).size, asked.join('\n'));
      assert.deepEqual(findStoreProblems(winch.root), []);
    },
    {skip: missingFor('unshare', 'nsenter', 'busybox'), timeoutMs: TIMEOUT_MS},
  );

  test(
    'S15 what cannot be a store is refused by its name before any request, and left alone',
    async () => {
      const {registry, app} = await servePlaceImages();
      await using _registry = registry;
      using winch = makeWinch();
      const at = (name: string) => join(winch.directory, name);
      writeFileSync(at('file'), 'text');
      symlinkSync('nowhere', at('dangling'));
      symlinkSync('circle', at('circle'));
      mkdirSync(at('layout/blobs/sha256'), {recursive: true});
      writeFileSync(at(`layout/blobs/sha256/${'a'.repeat(64)}`), 'somebody has it');
      const long = join(at('long'), 'x'.repeat(200), 'y'.repeat(200));
      for (const [root, code] of [
        [at('file'), 'STORE_PATH'],
        [at('file/below'), 'STORE_PATH'],
        [at('dangling'), 'STORE_PATH'],
        [at('circle'), 'STORE_PATH'],
        [long, 'STORE_PATH'],
        [at('layout'), 'STORE_FOREIGN'],
        ['/', process.getuid?.() === 0 ? 'STORE_FOREIGN' : 'STORE_DENIED'],
      ] as const) {
        const exit = code === 'STORE_DENIED' ? 6 : 2;
        for (const words of [['pull', app], ['prune']]) {
          requireRefusal(await winch.run(['--root', root, ...words]), {code, exit}, `${words[0]} ${root}`);
        }
      }
      assert.deepEqual(readdirSync(at('layout'), {recursive: true}).length, 3);
      assert.deepEqual(readdirSync(dirname(at('nowhere'))).includes('nowhere'), false);
      assert.equal(registry.requests.length, 0);
    },
    {skip: missingFor('busybox'), timeoutMs: TIMEOUT_MS},
  );
});
