import * as assert from 'node:assert/strict';
import {join} from 'node:path';
import {buildTar} from '../../fixtures/build-tar.ts';
import {busyboxImage} from '../../fixtures/busybox-image.ts';
import {openMountNamespace} from '../helpers/mount-namespace.ts';
import {APP_FILE, runWords, servePlaceImages} from '../helpers/place-images.ts';
import {requireRefusal, requireSuccess} from '../helpers/require-exit.ts';
import {missingFor} from '../helpers/requires.ts';
import {requireProgram} from '../helpers/run-program.ts';
import {describe} from '../helpers/suite.ts';
import {makeWinch} from '../helpers/winch.ts';

const CHECKER = join(import.meta.dirname, '../helpers/store-problems.ts');
const NEEDED = ['runc', 'busybox', 'unshare', 'nsenter'];

interface Disk {
  readonly title: string;
  readonly programs: readonly string[];
  /** A line of shell that mounts it at `$1`; `$2` is a directory to work in. */
  readonly mount: string;
  /** What layers are extracted for has no place on it: it is an overlay, and takes whiteouts for its own. */
  readonly isOverlay?: boolean;
}

const onLoop = (name: string, make: string): Disk => ({
  title: name,
  programs: [make, 'truncate'],
  mount: `truncate -s 400M "$2/disk"; ${make} -q "$2/disk"; mount -o loop "$2/disk" "$1"`,
});

const DISKS: readonly Disk[] = [
  {title: 'a tmpfs', programs: [], mount: 'mount -t tmpfs none "$1"'},
  onLoop('ext4', 'mkfs.ext4'),
  onLoop('xfs', 'mkfs.xfs'),
  onLoop('btrfs', 'mkfs.btrfs'),
  {
    title: 'FUSE',
    programs: ['fuse-overlayfs'],
    mount: 'cd "$2"; mkdir l u w; fuse-overlayfs -o lowerdir=l,upperdir=u,workdir=w "$1" 2>/dev/null; cd /',
    isOverlay: true,
  },
  {
    title: 'an overlay, as in a container',
    programs: [],
    mount:
      'mount -t tmpfs none "$2"; cd "$2"; mkdir l u w; mount -t overlay none -o lowerdir=l,upperdir=u,workdir=w "$1"',
    isOverlay: true,
  },
];

/** A dozen processes, one after the other, on a machine that has other things to do. */
const TIMEOUT_MS = 180_000;
const REFUSAL = {code: 'EXTRACT_UNSUPPORTED', exit: 125};
/** Whoever asks for a driver that cannot do it is told so, instead of being given another one. */
const EXTRACTS = ['overlay', 'fuse-overlayfs'].includes(process.env.WINCH_SNAPSHOTTER ?? '');

describe('e2e/store-file-systems', ({test}) => {
  for (const {title, programs, mount, isOverlay = false} of DISKS) {
    test(
      `S16 a store on ${title} takes images, runs them and gives them back`,
      async () => {
        const {registry, app} = await servePlaceImages();
        await using _registry = registry;
        using winch = makeWinch();
        const [disk, work] = [join(winch.directory, 'disk'), join(winch.directory, 'work')];
        await using namespace = await openMountNamespace(`mkdir "$1" "$2"; ${mount}`, disk, work);
        const root = join(disk, 'store');
        const call = {...namespace, env: {WINCH_ROOT: root}};
        const run = async (...words: readonly string[]) =>
          requireSuccess(await winch.run(words, call), words.join(' '));
        await run('pull', app);
        const ran = await winch.run(runWords(app), call);
        if (isOverlay && EXTRACTS) requireRefusal(ran, REFUSAL);
        else assert.equal(requireSuccess(ran).stdout, APP_FILE.content);
        const checker = [...namespace.within.slice(1), process.execPath, CHECKER, root];
        assert.equal(await requireProgram('nsenter', checker), '');
        await run('rmi', app);
        await run('prune');
        assert.equal((await run('images', '-q')).stdout, '');
      },
      {skip: missingFor(...NEEDED, ...programs), timeoutMs: TIMEOUT_MS},
    );
  }

  test(
    'S16 a store that came with the image of a container is used and emptied from within',
    async () => {
      const {registry, app, other} = await servePlaceImages();
      await using _registry = registry;
      using winch = makeWinch();
      requireSuccess(await winch.run(['pull', app]));
      const [work, mounted] = [join(winch.directory, 'work'), join(winch.directory, 'mounted')];
      const overlay = 'mount -t tmpfs none "$2"; mkdir "$2/u" "$2/w"; mount -t overlay none -o';
      const script = `mkdir "$2" "$3"; ${overlay} "lowerdir=$1,upperdir=$2/u,workdir=$2/w" "$3"`;
      await using namespace = await openMountNamespace(script, winch.root, work, mounted);
      const call = {...namespace, env: {WINCH_ROOT: mounted}};
      requireSuccess(await winch.run(['pull', other], call));
      const ran = await winch.run(runWords(app), call);
      if (EXTRACTS) requireRefusal(ran, REFUSAL);
      else requireSuccess(ran);
      for (const words of [
        ['rmi', app],
        ['prune', '--all'],
        ['check', '--deep'],
      ]) {
        requireSuccess(await winch.run(words, call), words.join(' '));
      }
      const left = await requireProgram('nsenter', [...namespace.within.slice(1), 'find', mounted, '-name', '*.erofs']);
      assert.equal(left, '');
    },
    {skip: missingFor(...NEEDED), timeoutMs: TIMEOUT_MS},
  );

  test(
    'S16 directories of a store may be links to other disks',
    async () => {
      const {registry, app, other} = await servePlaceImages();
      await using _registry = registry;
      using winch = makeWinch();
      const [blobs, layers] = [join(winch.directory, 'blobs'), join(winch.directory, 'layers')];
      const script =
        'mkdir "$1" "$2" "$3"; for d in "$2" "$3"; do mount -t tmpfs -o mode=700 none "$d"; ln -s "$d" "$1"; done';
      await using namespace = await openMountNamespace(script, winch.root, blobs, layers);
      const lines = [['pull', app, other], ['check', '--deep'], runWords(app), ['rmi', other], ['prune'], ['check']];
      for (const words of lines) requireSuccess(await winch.run(words, namespace), words.join(' '));
      const checker = [...namespace.within.slice(1), process.execPath, CHECKER, winch.root];
      assert.equal(await requireProgram('nsenter', checker), '');
      const entries = await requireProgram('nsenter', [...namespace.within.slice(1), 'find', blobs, '-type', 'f']);
      assert.equal(entries.trim().split('\n').length, 4);
    },
    {skip: missingFor(...NEEDED), timeoutMs: TIMEOUT_MS},
  );

  test(
    'S16 a FUSE file system whose process is gone is named as such',
    async () => {
      const {registry, app} = await servePlaceImages();
      await using _registry = registry;
      using winch = makeWinch();
      const [disk, work] = [join(winch.directory, 'disk'), join(winch.directory, 'work')];
      const start = 'fuse-overlayfs -f -o "lowerdir=$2/l,upperdir=$2/u,workdir=$2/w" "$1" 2>/dev/null & pid=$!';
      const ready = 'until mountpoint -q "$1"; do sleep 0.02; done';
      const script = `mkdir "$1" "$2" "$2/l" "$2/u" "$2/w"; ${start}; ${ready}; mkdir "$1/store"; kill -KILL $pid; { wait $pid || :; } 2>/dev/null`;
      await using namespace = await openMountNamespace(script, disk, work);
      const call = {...namespace, env: {WINCH_ROOT: join(disk, 'store')}};
      for (const words of [['images'], ['pull', app], ['prune'], ['df']]) {
        requireRefusal(await winch.run(words, call), {code: 'STORE_IO'}, words[0]);
      }
      requireRefusal(await winch.run(runWords(app), call), {code: 'STORE_IO', exit: 125});
      assert.equal(registry.requests.length, 0);
    },
    {skip: missingFor(...NEEDED, 'fuse-overlayfs', 'mountpoint'), timeoutMs: TIMEOUT_MS},
  );

  test(
    'an image of 41 layers needs few open files, and too few are named as such',
    async () => {
      const {registry} = await servePlaceImages();
      await using _registry = registry;
      using winch = makeWinch();
      const layers = Array.from({length: 40}, (_, at) => buildTar([{path: `etc/file-${at}`, content: String(at)}]));
      registry.put('tall', '1', busyboxImage({layers}));
      const tall = `${registry.host}/tall:1`;
      const pull = (files: number) => winch.startShell(`ulimit -n ${files} && exec winch pull -q ${tall}`).exited;
      requireRefusal(await pull(24), {code: 'FILES_LIMIT'});
      requireSuccess(await pull(256));
      const show = `winch run --network none ${tall} cat /etc/file-0 /etc/file-39`;
      assert.equal(requireSuccess(await winch.startShell(`ulimit -n 256 && ${show}`).exited).stdout, '039');
    },
    {skip: missingFor('runc', 'busybox'), timeoutMs: TIMEOUT_MS},
  );
});
