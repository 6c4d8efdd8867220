import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {buildChunkedImage, buildChunkedLayer} from '../../fixtures/build-chunked-layer.ts';
import {buildImage} from '../../fixtures/build-image.ts';
import {buildTar} from '../../fixtures/build-tar.ts';
import {busyboxEntries, busyboxImage} from '../../fixtures/busybox-image.ts';
import type {RegistryServer} from '../../fixtures/registry-server.ts';

/** Commands that are killed. Each has things of its own to work on, so that any of them may run at once. */
export const CRASH_COMMANDS = [
  ...['pull', 'run', 'extract', 'copy', 'load', 'import', 'restore'],
  ...['tag', 'save', 'export', 'cache', 'cat', 'rmi', 'untag', 'prune', 'fill', 'unfill'],
  ...['network-create', 'network-rm'],
] as const;
export type CrashCommand = (typeof CRASH_COMMANDS)[number];

type Words = readonly string[];

export interface CrashWords {
  readonly words: Readonly<Record<CrashCommand, Words>>;
  /** What brings the store into the state in which a command has most to do; what is taken away may be gone. */
  readonly setUps: Readonly<Record<CrashCommand, readonly Words[]>>;
  /** The image that is stored from the beginning. */
  readonly old: string;
  readonly beginnings: readonly Words[];
}

const BASE = buildTar([{path: 'base', content: Buffer.alloc(700_000, 'winch ')}]);
const layerOf = (name: string, fill: number) =>
  buildTar([
    {path: 'dir/', type: 'directory'},
    {path: `dir/${name}`, content: Buffer.alloc(600_000, fill)},
  ]);

/** Files for several threads, their links, and what is hidden, which the overlay driver has extracted. */
const EXTRACTED = buildTar([
  ...Array.from({length: 2500}, (_, index) => ({path: `files/${index % 5}/${index}`, content: `${index}`})),
  {path: 'files/link', type: 'hardlink', linkPath: 'files/1/1'},
  {path: 'files/large', content: Buffer.alloc(900_000, 9)},
  {path: 'etc/.wh.group'},
  {path: 'opt/.wh..wh..opq'},
]);

/** Puts what the commands below ask for. */
export function putCrashImages(registry: RegistryServer): void {
  const put = (tag: string, name: string, fill: number, compression: 'gzip' | 'none' = 'gzip') =>
    registry.put('app', tag, buildImage({layers: [BASE, layerOf(name, fill)], compression}));
  registry.put('old', '1', busyboxImage());
  registry.put('app', '1', buildImage({layers: [BASE, layerOf('pulled', 1), layerOf('more', 2)], compression: 'none'}));
  registry.put('app', 'extracted', busyboxImage({layers: [EXTRACTED]}));
  const parts = buildChunkedLayer({format: 'estargz', entries: [{path: 'file', content: 'in part'}]});
  registry.put('app', 'parts', buildChunkedImage([layerOf('whole', 10), parts]));
  put('copied', 'copied', 3);
  put('loaded', 'loaded', 4);
  put('removed', 'removed', 5);
  put('pruned', 'pruned', 6, 'none');
  put('cached', 'cached', 7);
  put('kept', 'kept', 8, 'none');
}

/** The command lines, for a registry with these images and files in `directory`. */
export function crashWords(host: string, directory: string): CrashWords {
  const app = (tag: string) => `${host}/app:${tag}`;
  const [old, archive, rootfs] = [`${host}/old:1`, join(directory, 'archive.tar'), join(directory, 'rootfs.tar')];
  writeFileSync(rootfs, buildTar([...busyboxEntries(), {path: 'imported', content: Buffer.alloc(500_000, 7)}]));
  const [cache, fullCache] = [join(directory, 'cache-saved'), join(directory, 'cache-restored')];
  const write = (name: string) => ['--output', join(directory, name)];
  return {
    old,
    beginnings: [
      ['pull', old],
      ['copy', app('loaded'), `docker-archive:${archive}:loaded:1`],
      ['pull', app('kept'), app('cached')],
      ['cache', 'save', fullCache, app('cached')],
    ],
    words: {
      pull: ['pull', app('1')],
      run: ['run', '--network', 'none', old, 'sh', '-c', 'echo text > /file && cat /file'],
      extract: ['run', '--snapshotter', 'overlay', '--network', 'none', app('extracted'), 'ls', '/files/4/2499'],
      copy: ['copy', app('copied'), 'store:copied:1'],
      load: ['load', '--input', archive],
      import: ['import', rootfs, 'imported:1'],
      restore: ['cache', 'restore', fullCache],
      tag: ['tag', old, 'named:1'],
      save: ['save', ...write('saved.tar'), old],
      export: ['export', ...write('exported.tar'), old],
      cache: ['cache', 'save', cache, old],
      rmi: ['rmi', app('removed')],
      untag: ['untag', 'spare:1'],
      prune: ['prune'],
      fill: ['run', '--network', 'none', '-v', 'filled:/bin', old, 'true'],
      unfill: ['volume', 'rm', '--force', 'spare'],
      'network-create': ['network', 'create', 'made'],
      'network-rm': ['network', 'rm', 'spare'],
      cat: ['cat', `${app('parts')}:/file`],
    },
    setUps: {
      pull: [['rmi', app('1')]],
      run: [],
      extract: [
        ['rmi', app('extracted')],
        ['pull', app('extracted')],
      ],
      copy: [['rmi', 'copied:1']],
      load: [['rmi', 'loaded:1']],
      import: [['rmi', 'imported:1']],
      restore: [['rmi', app('cached')]],
      tag: [['untag', 'named:1']],
      save: [],
      export: [],
      cache: [['cache', 'save', cache, app('kept')]],
      rmi: [['pull', app('removed')]],
      untag: [['tag', old, 'spare:1']],
      fill: [['volume', 'rm', '--force', 'filled']],
      unfill: [['run', '--network', 'none', '-v', 'spare:/home', old, 'true']],
      'network-create': [['network', 'rm', 'made']],
      'network-rm': [['network', 'create', 'spare']],
      // So that the layer that is fetched whole is fetched again.
      cat: [
        ['pull', app('parts')],
        ['rmi', app('parts')],
      ],
      prune: [
        ['pull', app('pruned')],
        ['untag', app('pruned')],
      ],
    },
  };
}
