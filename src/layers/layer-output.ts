import {writeSync} from 'node:fs';
import {type FileHandle, statfs} from 'node:fs/promises';
import {dirname} from 'node:path';
import {WinchError} from '../errors.ts';
import type {Durability} from '../host/atomic-write.ts';
import {HEAD_BYTES} from './erofs-format.ts';

export interface LayerOutputOptions {
  readonly path: string;
  /** With `full`, the disk is asked to start on what was written before all of it is. */
  readonly durability: Durability;
  /** Bytes of the file system that must stay free; absent: 5 % of it, at most 1 GiB. */
  readonly freeSpaceFloor: number | undefined;
}

/** The layer file as it grows behind its head. */
export interface LayerOutput {
  /** Appends bytes, on the calling thread. @throws {WinchError} `STORE_FULL` */
  append(bytes: Uint8Array): Promise<void>;
  /** Continues at `position`; what is passed over reads as zeros. */
  seek(position: number): void;
  /** Writes the head. Who gives the file its name waits for the disk: a thread that did could not go on meanwhile. */
  finish(head: Uint8Array): Promise<void>;
  /** Waits for what runs in the background, so that the file can be closed. */
  settle(): Promise<void>;
}

/**
 * How much is written before the disk is asked to start on it and the free space is looked at.
 *
 * Without that the final sync writes the whole layer at once while nothing else happens.
 */
const CHECKPOINT_BYTES = 32 * 1024 * 1024;

const FLOOR_SHARE = 0.05;
/** On a large disk a share would keep more from users than any other program needs. */
const HIGHEST_FLOOR_BYTES = 2 ** 30;

export function createLayerOutput(file: FileHandle, options: LayerOutputOptions): LayerOutput {
  let position = HEAD_BYTES;
  let checkpoint = position + CHECKPOINT_BYTES;
  let syncing: Promise<void> | null = null;
  let syncFailure: unknown = null;
  const startSync = () => {
    if (options.durability !== 'full' || syncing) return;
    syncing = file
      .datasync()
      .catch((error: unknown) => {
        syncFailure ??= error;
      })
      .finally(() => {
        syncing = null;
      });
  };
  const throwSyncFailure = () => {
    if (syncFailure !== null) throw syncFailure;
  };
  return {
    append: async (bytes) => {
      throwSyncFailure();
      writeFully(file, bytes, position);
      position += bytes.length;
      if (position < checkpoint) return;
      checkpoint = position + CHECKPOINT_BYTES;
      startSync();
      await checkFreeSpace(options);
    },
    seek: (target) => {
      position = target;
    },
    finish: async (head) => {
      writeFully(file, head, 0);
      await syncing;
      throwSyncFailure();
    },
    settle: async () => {
      await syncing;
    },
  };
}

/**
 * Writes on this thread: a copy into the page cache is as quick as handing it to the thread pool, whose threads have
 * decompression to do. write(2) may take less than it is given.
 */
function writeFully({fd}: FileHandle, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, position + done);
}

async function checkFreeSpace({path, freeSpaceFloor}: LayerOutputOptions): Promise<void> {
  const {bavail, blocks, bsize} = await statfs(dirname(path));
  if (bavail * bsize >= (freeSpaceFloor ?? Math.min(blocks * bsize * FLOOR_SHARE, HIGHEST_FLOOR_BYTES))) return;
  const freeMebibytes = Math.floor((bavail * bsize) / 2 ** 20);
  throw new WinchError(
    'STORE_FULL',
    `the layer would fill the disk: ${freeMebibytes} MiB are left at ${dirname(path)} and more is to come`,
    {kind: 'storage', hint: 'free space there or choose another root'},
  );
}
