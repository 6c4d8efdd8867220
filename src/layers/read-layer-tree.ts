import {isWinchError, WinchError} from '../errors.ts';
import {openRegularFile} from '../host/file-regions.ts';
import {storageError} from '../host/storage-error.ts';
import {HEAD_BYTES} from './erofs-format.ts';
import {indexTar} from './tar-index.ts';
import {createTreeBuilder, type LayerTree} from './tree.ts';

export interface LayerToRead {
  /** Of a layer file that this store wrote. */
  readonly path: string;
  readonly tarBytes: number;
  /** How many the tar had when it was written. */
  readonly entries: number;
}

/**
 * The names and attributes in a layer file, read from the headers of the tar in it; content is jumped over.
 *
 * @throws {WinchError} `STORE_CORRUPT`: no longer the tar that was written | as the file system
 */
export async function readLayerTree(
  {path, tarBytes, entries}: LayerToRead,
  {signal}: {readonly signal?: AbortSignal | undefined} = {},
): Promise<LayerTree> {
  try {
    await using file = await openRegularFile(path);
    const read = async (offset: number, length: number) => {
      const buffer = Buffer.allocUnsafeSlow(Math.min(length, tarBytes - offset));
      const {bytesRead} = await file.read(buffer, 0, buffer.length, HEAD_BYTES + offset);
      return buffer.subarray(0, bytesRead);
    };
    const builder = createTreeBuilder();
    const index = await indexTar({bytes: tarBytes, read}, {where: path, entryLimit: entries, signal});
    for (const entry of index) builder.add(entry);
    return builder.finish();
  } catch (error) {
    signal?.throwIfAborted();
    throw isWinchError(error) && error.kind === 'refused' ? damaged(path, error) : storageError(error, path);
  }
}

const damaged = (path: string, cause: WinchError): WinchError =>
  new WinchError('STORE_CORRUPT', `the layer file ${path} is damaged: ${cause.message}`, {
    kind: 'corrupt',
    hint: 'remove the images that use it and pull them again',
    cause,
  });
