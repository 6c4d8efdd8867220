import {statSync} from 'node:fs';
import {mkdir, rm} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {hasErrno} from '../errors.ts';
import {commitFile, type Durability, ensureDirectory, syncDirectory} from '../host/atomic-write.ts';
import {storageError} from '../host/storage-error.ts';
import {type Digest, digestAlgorithm, digestHex} from '../oci/digest.ts';
import type {StorePaths} from './paths.ts';

/** The layer files: a layer's tar with its EROFS index, by diff id. */
export interface LayerFiles {
  path(diffId: Digest): string;
  has(diffId: Digest, fileBytes: number): boolean;
  /** A free path for a layer that is being written by the holder of its lock. */
  stage(diffId: Digest): Promise<string>;
  /** How much of a layer file has been written so far, in whichever process; 0: nobody has begun. */
  stagedBytes(diffId: Digest): number;
  /** Moves a staged, already synced file to its place, replacing a leftover of an unrecorded layer. */
  commit(diffId: Digest): Promise<void>;
  discard(diffId: Digest): Promise<void>;
}

export function createLayerFiles(paths: StorePaths, durability: Durability): LayerFiles {
  const staged = (diffId: Digest) => join(paths.ingest, `layer-${digestAlgorithm(diffId)}-${digestHex(diffId)}`);
  return {
    path: (diffId) => paths.layer(diffId),
    has: (diffId, fileBytes) => sizeOf(paths.layer(diffId)) === fileBytes,
    stagedBytes: (diffId) => sizeOf(staged(diffId)) ?? 0,
    stage: async (diffId) => {
      const path = staged(diffId);
      await guarded(path, async () => {
        await mkdir(paths.ingest, {recursive: true, mode: 0o700});
        await rm(path, {force: true});
      });
      return path;
    },
    commit: async (diffId) => {
      const path = paths.layer(diffId);
      await guarded(path, async () => {
        await ensureDirectory(dirname(dirname(path)), durability);
        await mkdir(dirname(path), {recursive: true, mode: 0o700});
        await commitFile(staged(diffId), path, durability);
        if (durability === 'full') await syncDirectory(dirname(dirname(path)));
      });
    },
    discard: (diffId) => rm(staged(diffId), {force: true}),
  };
}

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
