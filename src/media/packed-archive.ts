import {type FileHandle, mkdtemp, open, rm, statfs} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {WinchError} from '../errors.ts';
import type {CallOptions} from '../events.ts';
import {readRegion} from '../host/file-regions.ts';
import {storageError} from '../host/storage-error.ts';
import {SIGNATURE_BYTES} from '../layers/compression.ts';
import {decompressArchive, isPacked} from './decompress-archive.ts';
import {tellReading} from './tell-reading.ts';

export interface UnpackedArchive {
  readonly file: FileHandle;
  /** Where `file` can be opened again. */
  readonly path: string;
  close(): Promise<void>;
}

interface PackedArchive extends CallOptions {
  readonly path: string;
}

/** What is left free on a disk. */
const RESERVED_SHARE = 0.05;

/**
 * A plain tar as it is; one that is packed in a temporary file, which goes when it is closed.
 *
 * @throws {WinchError} as `decompressArchive` | `LIMIT_UNPACKED`: more than the disk of temporary files can take
 */
export async function unpackIfPacked(
  file: FileHandle,
  {path, signal, onEvent}: PackedArchive,
): Promise<UnpackedArchive> {
  const {buffer, bytesRead} = await file.read(Buffer.alloc(SIGNATURE_BYTES), {position: 0});
  if (!isPacked(buffer.subarray(0, bytesRead))) return {file, path, close: () => file.close()};
  const {size} = await file.stat();
  await file.close();
  const directory = await mkdtemp(join(tmpdir(), 'winch-archive-'));
  const removeDirectory = () => rm(directory, {recursive: true, force: true});
  const plain = join(directory, 'archive.tar');
  try {
    const bytes = readRegion({path, offset: 0, size}, 0, {signal});
    const chunks = decompressArchive(tellReading(bytes, {name: path, totalBytes: size}, {onEvent}), {signal});
    await writeWithin(plain, chunks, await spareBytes(directory));
    const unpacked = await open(plain);
    return {
      file: unpacked,
      path: plain,
      close: async () => {
        await unpacked.close();
        await removeDirectory();
      },
    };
  } catch (error) {
    await removeDirectory();
    throw storageError(error, plain);
  }
}

/** @throws {WinchError} `LIMIT_UNPACKED` */
export async function writeWithin(path: string, chunks: AsyncIterable<Uint8Array>, limitBytes: number): Promise<void> {
  await using output = await open(path, 'wx', 0o600);
  let written = 0;
  for await (const chunk of chunks) {
    written += chunk.length;
    if (written > limitBytes) throw tooLarge(path, limitBytes);
    await output.writeFile(chunk);
  }
}

/** What may be written below a directory. */
export async function spareBytes(directory: string): Promise<number> {
  const {bavail, blocks, bsize} = await statfs(directory);
  return Math.max(0, (bavail - blocks * RESERVED_SHARE) * bsize);
}

const tooLarge = (path: string, limitBytes: number): WinchError =>
  new WinchError(
    'LIMIT_UNPACKED',
    `the archive unpacks to more than the ${Math.floor(limitBytes)} bytes that ${path} may take`,
    {
      kind: 'refused',
      hint: 'free space for temporary files, or unpack it elsewhere first',
    },
  );
