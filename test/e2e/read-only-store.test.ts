import * as assert from 'node:assert/strict';
import {chmodSync, chownSync, readdirSync} from 'node:fs';
import {join} from 'node:path';
import {openMountNamespace} from '../helpers/mount-namespace.ts';
import {APP_FILE, type PlaceImages, runWords, servePlaceImages} from '../helpers/place-images.ts';
import {requireRefusal, requireSuccess} from '../helpers/require-exit.ts';
import {missingFor} from '../helpers/requires.ts';
import {requireProgram} from '../helpers/run-program.ts';
import {describe} from '../helpers/suite.ts';
import {makeWinch, type Winch, type WinchCall, type WinchExit} from '../helpers/winch.ts';

const USER = 12345;

const questions = ({app, other}: PlaceImages, directory: string): readonly (readonly string[])[] => [
  ['images'],
  ['inspect', app],
  ['history', app],
  ['tree'],
  ['which', `/${APP_FILE.path}`],
  ['cat', `${app}:/${APP_FILE.path}`],
  ['cp', `${app}:/${APP_FILE.path}`, join(directory, 'copied')],
  ['diff', app, other],
  ['df'],
  ['check', '--deep'],
  ['save', '-o', join(directory, 'saved.tar'), app],
  ['export', '-o', join(directory, 'files.tar'), app],
];

const changes = ({app, other}: PlaceImages, directory: string): readonly (readonly string[])[] => [
  ['pull', other.replace(/:1$/, ':2')],
  ['tag', app, 'named:1'],
  ['untag', other],
  ['rmi', other],
  ['prune'],
  ['load', '-i', join(directory, 'archive.tar')],
];

/** Four at once: each is a process. */
async function runAll(winch: Winch, lines: readonly (readonly string[])[], call: WinchCall) {
  const exits: WinchExit[] = [];
  for (let at = 0; at < lines.length; at += 4) {
    exits.push(...(await Promise.all(lines.slice(at, at + 4).map((words) => winch.run(words, call)))));
  }
  return lines.map((words, at) => ({what: words.join(' '), exit: exits[at] ?? assert.fail()}));
}

async function fillStore(winch: Winch, {app, other}: PlaceImages): Promise<void> {
  requireSuccess(await winch.run(['pull', app, other]));
  requireSuccess(await winch.run(['save', '-o', join(winch.directory, 'archive.tar'), other]));
}

/** A dozen processes, one after the other, on a machine that has other things to do. */
const TIMEOUT_MS = 180_000;

describe('e2e/read-only-store', ({test}) => {
  test(
    'S07 a store that is mounted read-only answers and runs, and refuses changes before any request',
    async () => {
      const {registry, ...images} = await servePlaceImages();
      await using _registry = registry;
      using winch = makeWinch();
      await fillStore(winch, images);
      // What some drivers have to extract cannot be extracted later.
      requireSuccess(await winch.run(runWords(images.app)));
      const script = 'mount --bind "$1" "$1"; mount -o remount,ro,bind "$1"';
      await using namespace = await openMountNamespace(script, winch.root);
      const sent = registry.requests.length;
      const answers = await runAll(winch, questions(images, winch.directory), namespace);
      for (const {what, exit} of answers) requireSuccess(exit, what);
      assert.equal(requireSuccess(await winch.run(runWords(images.app), namespace)).stdout, APP_FILE.content);
      for (const {what, exit} of await runAll(winch, changes(images, winch.directory), namespace)) {
        requireRefusal(exit, {code: 'STORE_READ_ONLY'}, what);
      }
      const pulling = ['run', images.other.replace(/:1$/, ':2'), 'true'];
      requireRefusal(await winch.run(pulling, namespace), {code: 'STORE_READ_ONLY', exit: 125});
      assert.equal(registry.requests.length, sent);
    },
    {skip: missingFor('runc', 'busybox', 'unshare', 'nsenter'), timeoutMs: TIMEOUT_MS},
  );

  test(
    'S07 a store within the image of a file system answers and runs',
    async () => {
      const {registry, ...images} = await servePlaceImages();
      await using _registry = registry;
      using winch = makeWinch();
      await fillStore(winch, images);
      // What some drivers have to extract cannot be extracted later.
      requireSuccess(await winch.run(runWords(images.app)));
      const [image, root] = [join(winch.directory, 'store.img'), join(winch.directory, 'mounted')];
      await requireProgram('mkfs.erofs', ['--quiet', image, winch.root]);
      await using namespace = await openMountNamespace('mkdir "$2"; mount -t erofs -o loop "$1" "$2"', image, root);
      const call = {...namespace, env: {WINCH_ROOT: root}};
      for (const words of [['images'], ['check', '--deep']]) requireSuccess(await winch.run(words, call), words[0]);
      assert.equal(requireSuccess(await winch.run(runWords(images.app), call)).stdout, APP_FILE.content);
      requireRefusal(await winch.run(['rmi', images.other], call), {code: 'STORE_READ_ONLY'});
    },
    {skip: missingFor('runc', 'busybox', 'unshare', 'nsenter', 'mkfs.erofs'), timeoutMs: TIMEOUT_MS},
  );

  test(
    'S07 a user who may only read the store has answers, and is refused changes before any request',
    async () => {
      const {registry, ...images} = await servePlaceImages();
      await using _registry = registry;
      using winch = makeWinch();
      await fillStore(winch, images);
      chmodSync(winch.directory, 0o777);
      for (const path of [winch.root, ...readdirSync(winch.root).map((name) => join(winch.root, name))]) {
        chmodSync(path, path === join(winch.root, 'winch.db') ? 0o400 : 0o500);
      }
      await requireProgram('chown', ['-R', `${USER}:${USER}`, winch.root]);
      chownSync(winch.dockerDirectory, USER, USER);
      const within = ['setpriv', `--reuid=${USER}`, `--regid=${USER}`, '--clear-groups', '--'];
      const sent = registry.requests.length;
      for (const words of [['images'], ['inspect', images.app], ['which', `/${APP_FILE.path}`]]) {
        requireSuccess(await winch.run(words, {within}), words.join(' '));
      }
      for (const {what, exit} of await runAll(winch, changes(images, winch.directory), {within})) {
        requireRefusal(exit, {code: 'STORE_DENIED'}, what);
      }
      assert.equal(registry.requests.length, sent);
    },
    {skip: missingFor('setpriv', 'busybox'), timeoutMs: TIMEOUT_MS},
  );
});
