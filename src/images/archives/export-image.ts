import type {CallOptions} from '../../events.ts';
import type {FileNode} from '../../layers/file-tree.ts';
import {writeMergedTar} from '../../layers/merged-tar.ts';
import {stackLayer} from '../../layers/read-layer-index.ts';
import {layersOf} from '../../store/image-records.ts';
import {noteUse} from '../../store/last-use.ts';
import type {ImageContext} from '../context.ts';
import {requireStoredImage} from '../find-image.ts';
import {claimImage} from '../hold-lease.ts';
import {isUnpacked} from '../present-image.ts';
import {unpackImage} from '../unpack-image.ts';

export interface ExportOptions extends CallOptions {
  /** Chooses among the images that were stored from an index; absent: the one that was pulled last. */
  readonly platform?: string | undefined;
}

/** A new tar of an image's files, to be read once and closed. */
export interface ExportedFiles {
  readonly imageId: string;
  readonly content: AsyncIterable<Uint8Array>;
  close(): void;
}

/**
 * Opens the files of an image as a container would first see them, with all layers merged, as one tar: whiteouts applied,
 * hard links, owners, times and extended attributes kept. Equal layers give equal bytes. Nothing is removed from the
 * store until it is closed. Memory grows with the number of names, not with their content.
 *
 * @throws {WinchError} `IMAGE_UNKNOWN` | `IMAGE_AMBIGUOUS` | `BLOB_MISSING` | `STORE_CORRUPT`
 */
export async function exportImage(
  context: ImageContext,
  name: string,
  options: ExportOptions = {},
): Promise<ExportedFiles> {
  const {store} = context;
  const {platform, signal} = options;
  const lease = await store.readerLease(signal);
  try {
    const {image} = await claimImage({store, lease}, () => requireStoredImage(store, name, platform));
    noteUse(store.paths, image.manifestDigest, context.now());
    const isReady = store.read((database) => isUnpacked(store, database, image), false);
    if (!isReady) await unpackImage({...context, lease}, {name, image}, options);
    let root: FileNode | null = null;
    for (const layer of store.read((database) => layersOf(database, image.manifestDigest), [])) {
      root = await stackLayer(root, {...layer, path: store.layers.path(layer.diffId)}, {signal});
    }
    const content = root === null ? emptyTar() : writeMergedTar(root, {signal});
    return {imageId: image.configDigest, content, close: () => lease?.release()};
  } catch (error) {
    lease?.release();
    throw error;
  }
}

async function* emptyTar(): AsyncGenerator<Uint8Array> {
  yield Buffer.alloc(1024);
}
