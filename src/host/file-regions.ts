import {constants} from 'node:fs';
import {type FileHandle, open} from 'node:fs/promises';
import {WinchError} from '../errors.ts';

/** A part of a regular file, or all of it. */
export interface FileRegion {
  readonly path: string;
  readonly offset: number;
  readonly size: number;
}

export interface RegionReadOptions {
  readonly signal?: AbortSignal | undefined;
}

const CHUNK_BYTES = 256 * 1024;
/** Neither a link at the end of the path is followed nor a FIFO waited for. */
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Opens a regular file.
 *
 * @throws {WinchError} `FILE_UNUSABLE`: a link, a device, a directory …; Node's error where there is nothing.
 */
export async function openRegularFile(path: string): Promise<FileHandle> {
  const file = await open(path, FLAGS).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ELOOP' ? unusable(path) : error;
  });
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw unusable(path);
}

/**
 * The bytes of a region from `start` (bytes, within it) on.
 *
 * @throws {WinchError} `FILE_UNUSABLE`: no regular file, or shorter than it was.
 */
export async function* readRegion(
  {path, offset, size}: FileRegion,
  start = 0,
  {signal}: RegionReadOptions = {},
): AsyncGenerator<Buffer> {
  await using file = await openRegularFile(path);
  const end = offset + size;
  for (let position = offset + start; position < end; ) {
    signal?.throwIfAborted();
    const buffer = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, end - position));
    const {bytesRead} = await file.read(buffer, 0, buffer.length, position);
    if (bytesRead === 0) throw unusable(path, 'got shorter while it was read');
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** All bytes of a region that is known to be small. */
export async function readWholeRegion(region: FileRegion, options: RegionReadOptions = {}): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of readRegion(region, 0, options)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const unusable = (path: string, fault = 'is no regular file'): WinchError =>
  new WinchError('FILE_UNUSABLE', `${path} ${fault}`, {
    kind: 'refused',
    hint: 'links and devices are not followed where an image should be',
  });
