import type {FileHandle} from 'node:fs/promises';
import {releaseWhole} from '../host/release-memory.ts';

/** Bytes that wait for the disk at most, so that memory stays bounded. */
const QUEUE_BYTES = 1024 * 1024;
/** Written bytes after which the kernel is asked to start writing back, so that the last sync is short. */
const SYNC_EVERY_BYTES = 32 * 1024 * 1024;

export interface AppenderOptions {
  /** Where to write. */
  readonly offset: number;
  /** Whether the disk is asked to start on what was written, so that a sync at the end is short. */
  readonly isSynced: boolean;
  /** Called with the length of the file so far, after the bytes are readable in it. */
  readonly onWritten?: ((length: number) => void) | undefined;
}

/** Writes chunks one after the other while the next ones come; those that come meanwhile are written together. */
export interface Appender {
  /** Takes a chunk, which is used up; waits only while too much is not written yet. */
  append(chunk: Uint8Array): Promise<void>;
  /** Resolves when all that was taken is readable. */
  flush(): Promise<void>;
  /** As `flush`, and throws what the disk said of what it was asked to start on: nobody is told of that twice. */
  finish(): Promise<void>;
}

export function openAppender(file: FileHandle, {offset, isSynced, onWritten}: AppenderOptions): Appender {
  let [position, queuedBytes, unsyncedBytes] = [offset, 0, 0];
  let queue: Uint8Array[] = [];
  let writing: Promise<void> | null = null;
  let background: Promise<unknown> = Promise.resolve();
  const writeQueue = async (): Promise<void> => {
    while (queue.length > 0) {
      const [chunks, bytes] = [queue, queuedBytes];
      [queue, queuedBytes] = [[], 0];
      await writeFully(file, chunks, position);
      position += bytes;
      unsyncedBytes += bytes;
      for (const chunk of chunks) releaseWhole(chunk);
      onWritten?.(position);
      if (isSynced && unsyncedBytes >= SYNC_EVERY_BYTES) startSync();
    }
    writing = null;
  };
  const startSync = (): void => {
    unsyncedBytes = 0;
    background = background.then(() => file.datasync());
    background.catch(() => {});
  };
  const flush = async (): Promise<void> => {
    await writing;
    // The file may be closed after this; how the sync went is for `finish` to say.
    await background.catch(() => {});
  };
  return {
    append: async (chunk) => {
      if (chunk.length === 0) return;
      queue.push(chunk);
      queuedBytes += chunk.length;
      writing ??= writeQueue();
      writing.catch(() => {});
      if (queuedBytes >= QUEUE_BYTES) await writing;
    },
    flush,
    finish: async () => {
      await flush();
      await background;
    },
  };
}

/** A write may take less than it is given, on a disk that gets full above all. */
async function writeFully(file: FileHandle, chunks: readonly Uint8Array[], position: number): Promise<void> {
  const bytes = chunks.reduce((sum, {length}) => sum + length, 0);
  let {bytesWritten} = await file.writev(chunks, position);
  while (bytesWritten < bytes) {
    const rest = after(chunks, bytesWritten);
    bytesWritten += (await file.writev(rest, position + bytesWritten)).bytesWritten;
  }
}

/** What follows the first `length` bytes. */
function after(chunks: readonly Uint8Array[], length: number): readonly Uint8Array[] {
  let toDrop = length;
  return chunks.flatMap((chunk) => {
    const rest = chunk.subarray(Math.min(toDrop, chunk.length));
    toDrop -= chunk.length - rest.length;
    return rest.length > 0 ? [rest] : [];
  });
}
