import {WinchError} from '../errors.ts';
import type {CallOptions} from '../events.ts';
import type {FileKind, FileNode} from '../layers/file-tree.ts';
import {type FoundFile, searchFile} from '../layers/find-file.ts';
import {openLayeredFiles} from '../layers/layered-files.ts';
import {excerpt} from '../oci/excerpt.ts';
import {layersOf} from '../store/image-records.ts';
import {noteUse} from '../store/last-use.ts';
import type {ImageContext} from './context.ts';
import {textOf} from './diff-files.ts';
import {requireStoredImage} from './find-image.ts';
import {claimImage} from './hold-lease.ts';
import {isUnpacked} from './present-image.ts';

/** A file or directory of a stored image. */
export interface ImagePath {
  /** A reference, or the id of a stored image. */
  readonly reference: string;
  /** From the image's root on, with or without the slash at its start. */
  readonly path: string;
}

export interface ImageFilesOptions extends CallOptions {
  /** Chooses among the images that were stored from an index; absent: the one that was pulled last. */
  readonly platform?: string | undefined;
}

/** The files of an image, which the store keeps until they are closed. */
export interface OpenedFiles {
  readonly imageId: string;
  /** Read while it is walked. */
  readonly root: FileNode;
  close(): void;
}

/**
 * Opens the files of a stored image for lookups. A layer that is only downloaded is unpacked first.
 *
 * @throws {WinchError} `IMAGE_UNKNOWN` | `IMAGE_AMBIGUOUS` | `BLOB_MISSING` | `STORE_CORRUPT`
 */
export async function openImageFiles(
  context: ImageContext,
  name: string,
  options: ImageFilesOptions,
): Promise<OpenedFiles> {
  const {store} = context;
  const lease = await store.readerLease(options.signal);
  try {
    const {image} = await claimImage({store, lease}, () => requireStoredImage(store, name, options.platform));
    noteUse(store.paths, image.manifestDigest, context.now());
    if (!store.read((database) => isUnpacked(store, database, image), false)) {
      const {unpackImage} = await import('./unpack-image.ts');
      await unpackImage({...context, lease}, {name, image}, options);
    }
    const layers = store.read((database) => layersOf(database, image.manifestDigest), []);
    const root = openLayeredFiles(layers.map((layer) => ({...layer, path: store.layers.path(layer.diffId)})));
    return {imageId: image.configDigest, root, close: () => lease?.release()};
  } catch (error) {
    lease?.release();
    throw error;
  }
}

/** Whether a path says that it is of a directory. */
const NAMES_DIRECTORY = /\/\.?$/;

/**
 * What an image has at a path; symlinks are followed within the image.
 *
 * @throws {WinchError} `PATH_UNKNOWN` | `PATH_LOOP` | `PATH_NOT_DIRECTORY`: there is a slash behind what is none.
 */
export function requireFile(
  root: FileNode,
  {reference, path}: ImagePath,
  {followsLast}: {readonly followsLast: boolean},
): FoundFile {
  const isDirectory = NAMES_DIRECTORY.test(path);
  const search = searchFile(root, Buffer.from(path).toString('latin1'), {followsLast: followsLast || isDirectory});
  const where = `${excerpt(path)} in ${reference}`;
  if (search.outcome === 'loop') {
    throw new WinchError('PATH_LOOP', `${where} leads through too many symlinks`, {
      kind: 'refused',
      hint: 'the image has links that lead in a circle',
    });
  }
  if (search.outcome === 'missing') throw unknownPath(`${excerpt(path)} is not in ${reference}`, search);
  if (!isDirectory || search.node.kind === 'directory') return {path: search.path, node: search.node};
  throw new WinchError('PATH_NOT_DIRECTORY', `${where} is ${KIND_NAMES[search.node.kind]} and no directory`, {
    kind: 'invalid',
    hint: 'leave out the slash at its end',
  });
}

function unknownPath(message: string, {path, node, name}: FoundFile & {readonly name: string}): WinchError {
  const place = excerpt(textOf(path));
  const found = node.kind === 'directory' ? `has no ${excerpt(textOf(name))}` : `is ${KIND_NAMES[node.kind]}`;
  return new WinchError('PATH_UNKNOWN', message, {kind: 'not-found', hint: `${place} is there and ${found}`});
}

/** For messages. */
export const KIND_NAMES: Readonly<Record<FileKind, string>> = Object.freeze({
  file: 'a file',
  directory: 'a directory',
  symlink: 'a symlink',
  character: 'a device',
  block: 'a device',
  fifo: 'a named pipe',
});
