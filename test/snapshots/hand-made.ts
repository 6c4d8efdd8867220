import {spawnSync} from 'node:child_process';
import {chmodSync, lutimesSync} from 'node:fs';
import {join} from 'node:path';
import {buildTar, type TarEntry} from '../../fixtures/build-tar.ts';
import type {LayerFixture} from '../layers/layer-fixture.ts';
import type {CaseLayer} from './conformance-cases.ts';

const FIXED_MTIME = 1_700_000_000;

/**
 * A directory as overlayfs wants it, made with the tools of the system: GNU tar for the files, mknod(1) and setfattr(1)
 * for what hides others.
 *
 * @see https://docs.kernel.org/filesystems/overlayfs.html (whiteouts and opaque directories)
 */
export function makeByHand(fixture: LayerFixture, layers: readonly CaseLayer[]): string {
  const entries = layers.flatMap((layer) => layer.entries).filter(({path}) => !path.includes('.wh.'));
  const directory = fixture.extract(buildTar([{path: './', type: 'directory'}, ...entries]));
  const locate = (path: string | Buffer) => Buffer.concat([Buffer.from(`${directory}/`), bytesOf(path)]);
  for (const path of layers.flatMap(({whiteouts = []}) => whiteouts)) makeNode(locate(path));
  for (const path of layers.flatMap(({opaque = []}) => opaque)) {
    run('setfattr', ['-n', 'trusted.overlay.opaque', '-v', 'y', join(directory, path)]);
  }
  for (const {path, type, mtime = FIXED_MTIME, mode = 0o755} of entries) {
    if (type !== 'directory') continue;
    chmodSync(locate(path), mode);
    lutimesSync(locate(path), mtime, mtime);
  }
  lutimesSync(directory, FIXED_MTIME, FIXED_MTIME);
  return directory;
}

/** What the same layers are in an image. */
export const entriesOf = (layers: readonly CaseLayer[]): readonly TarEntry[] => [
  {path: './', type: 'directory'},
  ...layers.flatMap(({entries}) => entries),
];

/** One character per byte, as names that are not UTF-8 are written in cases. */
const bytesOf = (path: string | Buffer): Buffer => (typeof path === 'string' ? Buffer.from(path, 'latin1') : path);

/** Arguments of programs are text for Node: a shell makes the bytes. */
function makeNode(path: Buffer): void {
  const octal = [...path].map((byte) => `\\${byte.toString(8).padStart(4, '0')}`).join('');
  run('/bin/sh', ['-c', 'mknod "$(printf %b "$1")" c 0 0', 'sh', octal]);
}

function run(program: string, words: readonly string[]): void {
  const {status, stderr} = spawnSync(program, words, {encoding: 'utf8'});
  if (status !== 0) throw new Error(`${program}: ${stderr}`);
}
