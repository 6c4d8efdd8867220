import {mkdir, rm} from 'node:fs/promises';
import {join} from 'node:path';
import {WinchError} from '../errors.ts';
import {randomHex} from '../host/random-hex.ts';
import {storageError} from '../host/storage-error.ts';
import {writeLayerFile} from '../layers/write-layer.ts';
import {digestOf} from '../oci/digest.ts';
import {erofsSnapshotter} from './erofs.ts';
import {tryPrivateMounts} from './private-mounts.ts';
import type {SnapshotterName} from './snapshotter.ts';

export interface ProbeResult {
  readonly name: SnapshotterName;
  readonly usable: boolean;
  /** Why not. */
  readonly reason: string | null;
}

/** Two zero blocks: a tar without entries. */
const EMPTY_TAR = Buffer.alloc(1024);
/** Several calls of one process may look at the same time. */
const NAME_BYTES = 4;

/**
 * Finds out whether layers can be mounted here, by mounting a tiny one in a private namespace.
 *
 * @param directory Where the tiny one lies meanwhile.
 */
export async function probeErofs(runtimeDirectory: string, directory = runtimeDirectory): Promise<ProbeResult> {
  const {name} = erofsSnapshotter;
  const path = join(directory, `probe-${process.pid}-${randomHex(NAME_BYTES)}.erofs`);
  try {
    await mkdir(runtimeDirectory, {recursive: true, mode: 0o700});
    await rm(path, {force: true});
    await writeLayerFile(tarStream(), path, {expectedDiffId: digestOf(EMPTY_TAR), durability: 'fast'});
    await tryPrivateMounts({mounts: [{type: 'erofs', source: path, target: runtimeDirectory}]});
    return {name, usable: true, reason: null};
  } catch (cause) {
    const error = storageError(cause, directory);
    if (!(error instanceof WinchError)) throw error;
    return {name, usable: false, reason: error.message};
  } finally {
    await rm(path, {force: true});
  }
}

async function* tarStream(): AsyncGenerator<Uint8Array> {
  yield EMPTY_TAR;
}
