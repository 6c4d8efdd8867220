import {createHash, hash} from 'node:crypto';
import {readSync} from 'node:fs';
import type {FileHandle} from 'node:fs/promises';
import {WinchError} from '../errors.ts';
import {openRegularFile} from '../host/file-regions.ts';
import type {FileNode} from '../layers/file-tree.ts';

const CHUNK_BYTES = 1024 * 1024;
/** Read at once, while nothing else runs: to wait for each of thousands of small files takes five times as long. */
const SMALL_BYTES = 64 * 1024;

export interface ContentHasher extends AsyncDisposable {
  /** `sha256:` and the digits of a file's content. @throws {WinchError} `STORE_CORRUPT`: the layer file is cut off. */
  hash(file: FileNode): Promise<string>;
}

/** Hashes files of layer files, each of which is opened once. */
export function createContentHasher(signal?: AbortSignal): ContentHasher {
  const files = new Map<string, FileHandle>();
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  return {
    hash: async ({layerPath, contentOffset, size}: FileNode): Promise<string> => {
      const file = files.get(layerPath) ?? (await openRegularFile(layerPath));
      files.set(layerPath, file);
      if (size <= SMALL_BYTES) {
        if (readSync(file.fd, buffer, 0, size, contentOffset) < size) throw cutOff(layerPath);
        return `sha256:${hash('sha256', buffer.subarray(0, size))}`;
      }
      const digester = createHash('sha256');
      for (let done = 0; done < size; ) {
        signal?.throwIfAborted();
        const {bytesRead} = await file.read(buffer, 0, Math.min(CHUNK_BYTES, size - done), contentOffset + done);
        if (bytesRead === 0) throw cutOff(layerPath);
        digester.update(buffer.subarray(0, bytesRead));
        done += bytesRead;
      }
      return `sha256:${digester.digest('hex')}`;
    },
    [Symbol.asyncDispose]: async () => {
      for (const file of files.values()) await file.close();
    },
  };
}

const cutOff = (path: string): WinchError =>
  new WinchError('STORE_CORRUPT', `the layer file ${path} is cut off`, {
    kind: 'corrupt',
    hint: 'find out what else is damaged, and have it repaired',
  });
