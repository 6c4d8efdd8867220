import * as assert from 'node:assert/strict';
import {chmodSync, chownSync, mkdirSync, readdirSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {runWords, servePlaceImages} from '../helpers/place-images.ts';
import {requireRefusal, requireSuccess} from '../helpers/require-exit.ts';
import {missingFor} from '../helpers/requires.ts';
import {describe} from '../helpers/suite.ts';
import {makeWinch, type Winch} from '../helpers/winch.ts';

const USER = 12345;
const AS_USER = ['setpriv', `--reuid=${USER}`, `--regid=${USER}`, '--clear-groups', '--'];

/** Below directories that nobody else may enter; they have the modes of the image. */
const FILE_OF_IMAGE = /^layers\/sha256\/\w+\/fs\//;

/** Mode and path of everything below a directory, and of itself. */
const walk = (root: string): readonly (readonly [string, number])[] =>
  ['.', ...readdirSync(root, {recursive: true, encoding: 'utf8'})].map((name) => [
    name,
    statSync(join(root, name)).mode & 0o7777,
  ]);

/** So that another user gets at the store and at the command's own directories. */
function openTo(winch: Winch, userId: number): void {
  chmodSync(winch.directory, 0o777);
  chownSync(winch.dockerDirectory, userId, userId);
  chownSync(join(winch.directory, 'runtime'), userId, userId);
}

/** A dozen processes, one after the other, on a machine that has other things to do. */
const TIMEOUT_MS = 180_000;

describe('e2e/store-owners', ({test}) => {
  test(
    'S17 the umask decides nothing about the store, and nothing about an image',
    async () => {
      const {registry, app} = await servePlaceImages();
      await using _registry = registry;
      for (const umask of ['000', '077']) {
        using winch = makeWinch();
        const show = `winch run --network none ${app} stat -c %a / /etc /etc/passwd /tmp`;
        const line = `umask ${umask} && winch pull -q ${app} >&2 && ${show} && winch tag ${app} named:1 && winch prune >&2`;
        const {stdout} = requireSuccess(await winch.startShell(line).exited);
        assert.equal(stdout, '755\n755\n644\n1777\n');
        const modes = walk(winch.root).filter(([name]) => !FILE_OF_IMAGE.test(name));
        for (const [name, mode] of modes) {
          // SQLite makes the files of locks, in a directory that nobody else may enter.
          const isLock = name.endsWith('.lock');
          assert.equal(mode & (isLock ? 0o022 : 0o077), 0, `${name} with umask ${umask}`);
        }
        assert.ok(modes.length > 15);
      }
    },
    {skip: missingFor('runc', 'busybox'), timeoutMs: TIMEOUT_MS},
  );

  test(
    'S17 a directory that others may write to no longer is one once something is stored',
    async () => {
      const {registry, other} = await servePlaceImages();
      await using _registry = registry;
      using winch = makeWinch();
      mkdirSync(winch.root);
      chmodSync(winch.root, 0o1777);
      requireSuccess(await winch.run(['images']));
      assert.equal(statSync(winch.root).mode & 0o7777, 0o1777);
      requireSuccess(await winch.run(['pull', other]));
      assert.equal(statSync(winch.root).mode & 0o022, 0);
    },
    {skip: missingFor('busybox')},
  );

  test(
    "S17 another user's store is not taken for an empty one, and nothing in it changes",
    async () => {
      const {registry, app} = await servePlaceImages();
      await using _registry = registry;
      using winch = makeWinch();
      requireSuccess(await winch.run(['pull', app]));
      openTo(winch, USER);
      const [before, sent] = [walk(winch.root), registry.requests.length];
      for (const rootMode of [0o700, 0o755]) {
        chmodSync(winch.root, rootMode);
        for (const words of [['images'], ['inspect', app], ['df'], ['pull', app], ['prune'], ['rmi', app]]) {
          const what = `${words[0]} at ${rootMode.toString(8)}`;
          requireRefusal(await winch.run(words, {within: AS_USER}), {code: 'STORE_DENIED'}, what);
        }
      }
      chmodSync(winch.root, 0o700);
      assert.deepEqual([walk(winch.root), registry.requests.length], [before, sent]);
    },
    {skip: missingFor('setpriv', 'busybox'), timeoutMs: TIMEOUT_MS},
  );

  test(
    'S17 a user is told what root has stored among the own files, and root can give it back',
    async () => {
      const {registry, app, other} = await servePlaceImages();
      await using _registry = registry;
      using winch = makeWinch();
      openTo(winch, USER);
      requireSuccess(await winch.run(['pull', app], {within: AS_USER}));
      requireSuccess(await winch.run(['pull', other]));
      requireRefusal(await winch.run(['inspect', other], {within: AS_USER}), {code: 'STORE_DENIED'});
      requireSuccess(await winch.run(['check', '--repair']));
      requireSuccess(await winch.run(['inspect', app, other], {within: AS_USER}));
      requireSuccess(await winch.run(['rmi', other], {within: AS_USER}));
      requireSuccess(await winch.run(runWords(app)));
    },
    {skip: missingFor('setpriv', 'runc', 'busybox'), timeoutMs: TIMEOUT_MS},
  );

  test(
    'S17 a directory of the store that cannot be written is named before anything is asked for or changed',
    async () => {
      const {registry, app, other} = await servePlaceImages();
      await using _registry = registry;
      using winch = makeWinch();
      openTo(winch, USER);
      requireSuccess(await winch.run(['pull', other], {within: AS_USER}));
      const sent = registry.requests.length;
      for (const name of ['locks', 'ingest', 'blobs', 'layers']) {
        const path = join(winch.root, name);
        chmodSync(path, 0o500);
        for (const words of [
          ['pull', app],
          ['rmi', other],
        ]) {
          const exit = await winch.run(words, {within: AS_USER});
          requireRefusal(exit, {code: 'STORE_DENIED'}, `${words[0]} without ${name}`);
          assert.ok(exit.stderr.includes(`${path}:`), exit.stderr);
        }
        chmodSync(path, 0o700);
      }
      requireSuccess(await winch.run(['inspect', other], {within: AS_USER}));
      assert.equal(registry.requests.length, sent);
    },
    {skip: missingFor('setpriv', 'busybox'), timeoutMs: TIMEOUT_MS},
  );

  test(
    'a user without an account and without HOME has answers, and is told where a store is missing',
    async () => {
      using winch = makeWinch();
      openTo(winch, USER);
      const within = [...AS_USER, 'env', '-u', 'HOME', '-u', 'WINCH_ROOT', '-u', 'XDG_DATA_HOME'];
      requireSuccess(await winch.run(['images'], {within}));
      requireRefusal(await winch.run(['pull', 'registry.invalid/app:1'], {within}), {code: 'STORE_DENIED'});
    },
    {skip: missingFor('setpriv', 'busybox'), timeoutMs: TIMEOUT_MS},
  );
});
