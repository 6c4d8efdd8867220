import {mkdir, rm} from 'node:fs/promises';
import {join} from 'node:path';
import {WinchError} from '../errors.ts';
import {storageError} from '../host/storage-error.ts';
import {writeLayerFile} from '../layers/write-layer.ts';
import {digestOf} from '../oci/digest.ts';
import {erofsSnapshotter} from './erofs.ts';
import {usePrivateMounts} from './private-mounts.ts';

export interface ProbeResult {
  readonly name: string;
  readonly usable: boolean;
  /** Why not. */
  readonly reason: string | null;
}

/** Two zero blocks: a tar without entries. */
const EMPTY_TAR = Buffer.alloc(1024);

/** Finds out whether layers can be mounted here, by mounting a tiny one in a private namespace. */
export async function probeErofs(runtimeDirectory: string): Promise<ProbeResult> {
  const {name} = erofsSnapshotter;
  const path = join(runtimeDirectory, `probe-${process.pid}.erofs`);
  try {
    await mkdir(runtimeDirectory, {recursive: true, mode: 0o700});
    await rm(path, {force: true});
    await writeLayerFile(tarStream(), path, {expectedDiffId: digestOf(EMPTY_TAR), durability: 'fast'});
    await usePrivateMounts({mounts: [{type: 'erofs', source: path, target: runtimeDirectory}], copy: null});
    return {name, usable: true, reason: null};
  } catch (cause) {
    const error = storageError(cause, runtimeDirectory);
    if (!(error instanceof WinchError)) throw error;
    return {name, usable: false, reason: error.message};
  } finally {
    await rm(path, {force: true});
  }
}

async function* tarStream(): AsyncGenerator<Uint8Array> {
  yield EMPTY_TAR;
}
