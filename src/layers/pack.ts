import {createWriteStream} from 'node:fs';
import {pipeline} from 'node:stream/promises';
import {pack} from 'tar-fs';
import {WinchError} from '../errors.ts';
import {createDigester, type Digest, digestAlgorithm} from '../oci/digest.ts';
import {newParents} from './parent-directories.ts';

export interface PackOptions {
  /** The files to pack, by paths below the directory, in the order of the archive. */
  readonly files: readonly string[];
  /** The digest that a file must have; null: any. */
  readonly expectedDigest: (path: string) => Digest | null;
  /** Whether the archive survives a power cut. */
  readonly isDurable: boolean;
  /** Called with the bytes of such files that are in the archive. */
  readonly onPacked?: ((bytes: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

const FILE_MODE = 0o644;
const DIRECTORY_MODE = 0o755;
const EPOCH = new Date(0);
const WRITE_BYTES = 1024 * 1024;

/**
 * Packs files of a directory into a new tar, with their directories: some readers make those as root otherwise. Equal files give equal bytes: owner, mode and time are fixed.
 *
 * @throws {WinchError} `STORE_CORRUPT`: a file has not the digest that it must have; the tar is then useless
 */
export async function packFiles(directory: string, output: string, options: PackOptions): Promise<void> {
  const {files, expectedDigest, isDurable, onPacked, signal} = options;
  const met = new Set<string>();
  let packed = 0;
  const tar = pack(directory, {
    entries: files.flatMap((file) => [...newParents(file, met), file]),
    // Nothing is in it but what is named.
    ignore: () => true,
    map: (header) => ({...header, mode: modeOf(header), mtime: EPOCH, uid: 0, gid: 0}),
    mapStream: (stream, {name}) => {
      const expected = expectedDigest(name);
      if (expected === null) return stream;
      const digester = createDigester(digestAlgorithm(expected));
      stream.on('data', (chunk: Buffer) => {
        digester.update(chunk);
        packed += chunk.length;
        onPacked?.(packed);
      });
      stream.on('end', () => {
        if (digester.digest() !== expected) tar.destroy(wrongBytes(expected));
      });
      return stream;
    },
  });
  const sink = createWriteStream(output, {flags: 'wx', mode: FILE_MODE, flush: isDurable, highWaterMark: WRITE_BYTES});
  await pipeline(tar, sink, {signal});
}

const modeOf = ({type}: {readonly type: string}): number => (type === 'directory' ? DIRECTORY_MODE : FILE_MODE);

export const wrongBytes = (digest: Digest): WinchError =>
  new WinchError('STORE_CORRUPT', `the bytes stored for blob ${digest} have another digest`, {
    kind: 'corrupt',
    hint: 'remove the image and pull it again; nothing was written',
  });
