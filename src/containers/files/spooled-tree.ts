import {rm} from 'node:fs/promises';
import {ensureDirectory} from '../../host/atomic-write.ts';
import type {FileNode} from '../../layers/file-tree.ts';
import {openLayeredFiles} from '../../layers/layered-files.ts';
import {writeLayerFile} from '../../layers/write-layer.ts';
import type {ContainerContext} from '../context.ts';

/** The files of a tar that came in one piece, which the store keeps until this is disposed of. */
export interface SpooledTree extends AsyncDisposable {
  readonly root: FileNode;
  /** Whether the tar says whose the root is; otherwise it is nobody's in particular. */
  readonly describesRoot: boolean;
}

/**
 * Takes in a whole tar, plain or packed, before anything is done with it: nothing of it is believed, as with a layer that
 * was pulled.
 *
 * @throws {WinchError} `TAR_INVALID` | `TAR_PATH` | `TAR_LINK` | `TAR_LIMIT` | `LIMIT_UNPACKED` | `STORE_FULL` …
 */
export async function spoolTree(
  {store}: ContainerContext,
  tar: AsyncIterable<Uint8Array>,
  {signal}: {readonly signal?: AbortSignal | undefined},
): Promise<SpooledTree> {
  const lease = await store.lease(signal);
  const path = lease.temporaryPath();
  const dispose = async () => {
    await rm(path, {force: true});
    lease.release();
  };
  try {
    await ensureDirectory(store.paths.ingest, 'fast');
    const written = await writeLayerFile(tar, path, {expectedDiffId: null, durability: 'fast', signal});
    const root = openLayeredFiles([{...written, path}]);
    return {root, describesRoot: !written.directories.implied.includes(''), [Symbol.asyncDispose]: dispose};
  } catch (error) {
    await dispose();
    throw error;
  }
}
