import {spawnSync} from 'node:child_process';
import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {buildTar, type TarEntry} from '../../fixtures/build-tar.ts';
import {type WriteLayerOptions, type WrittenLayer, writeLayerFile} from '../../src/layers/write-layer.ts';
import {digestOf} from '../../src/oci/digest.ts';

/** A directory for one suite's layer files. */
export interface LayerFixture {
  readonly directory: string;
  /** An empty directory to mount at. */
  readonly mountPoint: string;
  /** A path that does not exist yet. */
  path(): string;
  /** Writes a plain tar's layer file; the expected diff id is the right one unless it is given. */
  write(tar: Buffer, options?: Partial<WriteLayerOptions>): Promise<WrittenLayer & {readonly path: string}>;
  /** The layer file of these entries. */
  layer(entries: readonly TarEntry[]): Promise<string>;
  /** What GNU tar makes of a tar: the directory it was extracted to. */
  extract(tar: Buffer): string;
  remove(): void;
}

export function makeLayerFixture(): LayerFixture {
  const directory = mkdtempSync(join(tmpdir(), 'winch-layers-'));
  const mountPoint = join(directory, 'mount');
  mkdirSync(mountPoint);
  let count = 0;
  const path = () => join(directory, String(count++));
  const write: LayerFixture['write'] = async (tar, options = {}) => {
    const target = path();
    const defaults = {expectedDiffId: digestOf(tar), durability: 'fast'} as const;
    return {...(await writeLayerFile(piecesOf(tar), target, {...defaults, ...options})), path: target};
  };
  return {
    directory,
    mountPoint,
    path,
    write,
    layer: async (entries) => (await write(buildTar(entries))).path,
    extract: (tar) => extractWithGnuTar(tar, path()),
    remove: () => rmSync(directory, {recursive: true}),
  };
}

/** Bytes as a source yields them. */
export async function* piecesOf(bytes: Buffer, pieceBytes = 64 * 1024): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield Buffer.from(bytes.subarray(at, at + pieceBytes));
}

function extractWithGnuTar(tar: Buffer, directory: string): string {
  mkdirSync(directory);
  writeFileSync(`${directory}.tar`, tar);
  const options = ['--numeric-owner', '--xattrs', '--xattrs-include=*', '--delay-directory-restore', '-xpf'];
  const {status, stderr} = spawnSync('tar', [...options, `${directory}.tar`, '-C', directory], {encoding: 'utf8'});
  if (status !== 0) throw new Error(`tar: ${stderr}`);
  return directory;
}
