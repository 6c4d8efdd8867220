import {mkdirSync, statSync, unlinkSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {hasErrno} from '../errors.ts';
import {commitFile, createDirectoryKeeper, type Durability, syncDirectory, syncFile} from '../host/atomic-write.ts';
import {storageError} from '../host/storage-error.ts';
import {type Digest, digestAlgorithm, digestHex} from '../oci/digest.ts';
import type {StorePaths} from './paths.ts';
import {unlessGone} from './unless-gone.ts';

/** The layer files: a layer's tar with its EROFS index, by diff id. */
export interface LayerFiles {
  path(diffId: Digest): string;
  has(diffId: Digest, fileBytes: number): boolean;
  /** A free path for a layer that is being written by the holder of its lock. */
  stage(diffId: Digest): Promise<string>;
  /** How much of a layer file has been written so far, in whichever process; 0: nobody has begun. */
  stagedBytes(diffId: Digest): number;
  /** Moves a staged file to its place once its bytes are durable, replacing a leftover of an unrecorded layer. */
  commit(diffId: Digest): Promise<void>;
  discard(diffId: Digest): void;
}

export function createLayerFiles(paths: StorePaths, durability: Durability): LayerFiles {
  const keepDirectory = createDirectoryKeeper(durability);
  const staged = (diffId: Digest) => join(paths.ingest, `layer-${digestAlgorithm(diffId)}-${digestHex(diffId)}`);
  return {
    path: (diffId) => paths.layer(diffId),
    has: (diffId, fileBytes) => sizeOf(paths.layer(diffId)) === fileBytes,
    stagedBytes: (diffId) => sizeOf(staged(diffId)) ?? 0,
    stage: async (diffId) => {
      const path = staged(diffId);
      await guarded(path, async () => {
        await keepDirectory(paths.ingest);
        removeFile(path);
      });
      return path;
    },
    commit: async (diffId) => {
      const path = paths.layer(diffId);
      await guarded(path, async () => {
        await keepDirectory(dirname(dirname(path)));
        mkdirSync(dirname(path), {recursive: true, mode: 0o700});
        if (durability === 'full') await syncFile(staged(diffId));
        await commitFile(staged(diffId), path, durability);
        if (durability === 'full') await syncDirectory(dirname(dirname(path)));
      });
    },
    discard: (diffId) => removeFile(staged(diffId)),
  };
}

const removeFile = (path: string): void => unlessGone(() => unlinkSync(path), undefined);

function sizeOf(path: string): number | null {
  try {
    return statSync(path).size;
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return null;
    throw storageError(error, path);
  }
}

async function guarded(path: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw storageError(error, path);
  }
}
