import {createCipheriv} from 'node:crypto';
import type {TarEntry} from '../../fixtures/build-tar.ts';
import {type Content, createMachineCode, createSourceText} from './content.ts';
import {createRandom, type Random} from './random.ts';

/** The entries of one layer, base first where one needs another. */
export type Tree = () => Iterable<TarEntry>;

/** Smaller trees have the same shape; tests use them. */
export interface TreeSize {
  readonly files: number;
}

const BASE_DIRECTORIES = ['bin', 'etc', 'root', 'tmp', 'proc', 'sys', 'dev', 'usr', 'usr/bin', 'usr/lib', 'usr/share'];
const ACCOUNTS: readonly TarEntry[] = [
  {path: 'etc/passwd', content: 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n'},
  {path: 'etc/group', content: 'root:x:0:\nnogroup:x:65534:\n'},
];
const FILES_PER_PACKAGE = 24;
const EXTENSIONS = ['js', 'js', 'js', 'd.ts', 'js.map', 'mjs', 'json'] as const;
const FOLDERS = ['dist', 'lib', 'esm', 'cjs', 'types'] as const;

/**
 * A distribution's base: programs, libraries and what lies in `/usr/share`, by default 11 000 files in about 100 MB.
 *
 * @param executable A static program that does nothing when it is called `true`.
 */
export function baseTree(executable: Buffer, {files}: TreeSize = {files: 11_000}): Tree {
  return function* () {
    const random = createRandom(1);
    const text = createSourceText(random);
    const code = createMachineCode(random);
    for (const path of BASE_DIRECTORIES) yield directory(path, path === 'tmp' ? 0o1777 : 0o755);
    yield* ACCOUNTS;
    yield {path: 'bin/busybox', mode: 0o755, content: executable};
    for (const name of ['true', 'sh']) yield {path: `bin/${name}`, type: 'symlink', linkPath: 'busybox', mode: 0o777};
    for (let index = 0; index < files; index++) {
      const share = `usr/share/package-${Math.floor(index / 10)}`;
      if (index % 10 === 0) yield directory(share);
      yield index % 4 === 0 ? binary(random, code, index) : file(`${share}/file-${index}.txt`, text, random);
    }
  };
}

/** A `node_modules` directory: by default 80 000 files, most of them small, in about 700 MB. */
export function nodeModulesTree({files}: TreeSize = {files: 80_000}): Tree {
  return function* () {
    const random = createRandom(2);
    const text = createSourceText(random);
    for (const path of ['srv', 'srv/app', 'srv/app/node_modules']) yield directory(path);
    let folder = '';
    for (let index = 0; index < files; index++) {
      const root = `srv/app/node_modules/package-${Math.floor(index / FILES_PER_PACKAGE)}`;
      if (index % FILES_PER_PACKAGE === 0) yield directory(root);
      if (index % FILES_PER_PACKAGE === 2) {
        folder = `${root}/${random.pick(FOLDERS)}`;
        yield directory(folder);
      }
      const place = index % FILES_PER_PACKAGE < 2 ? root : folder;
      yield file(`${place}/module-${index}.${random.pick(EXTENSIONS)}`, text, random);
    }
  };
}

/** One of many small layers: some files and 300 kB that do not deflate. */
export function smallTree(number: number): Tree {
  return function* () {
    const random = createRandom(1000 + number);
    const text = createSourceText(random);
    for (const path of ['data', `data/${number}`]) yield directory(path);
    for (let index = 0; index < 40; index++) yield file(`data/${number}/file-${index}.js`, text, random);
    yield {path: `data/${number}/noise`, content: Uint8Array.from({length: 300_000}, () => random.below(256))};
  };
}

const directory = (path: string, mode = 0o755): TarEntry => ({path: `${path}/`, type: 'directory', mode});

function binary(random: Random, code: Content, index: number): TarEntry {
  const isProgram = index % 8 === 0;
  const path = isProgram ? `usr/bin/program-${index}` : `usr/lib/library-${index}.so`;
  return {path, mode: isProgram ? 0o755 : 0o644, content: code(random, random.size(2500, 1.7, 4_000_000))};
}

/** Half of the files of an installed package have less than 500 bytes, one in a hundred more than 70 000. */
function file(path: string, text: Content, random: Random): TarEntry {
  return {path, content: text(random, random.size(670, 2.25, 4_000_000))};
}

/** Files of 10 MiB that no compression shortens: what is measured with them is the way, not the unpacking. */
export function incompressibleTree({seed, mebibytes}: {readonly seed: number; readonly mebibytes: number}): Tree {
  return function* () {
    const stream = createCipheriv('aes-128-ctr', Buffer.alloc(16, seed), Buffer.alloc(16));
    for (let number = 0; number * 10 < mebibytes; number++) {
      yield {path: `data-${number}`, content: stream.update(Buffer.alloc(10 * 1024 * 1024))};
    }
  };
}
