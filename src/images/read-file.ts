import {WinchError} from '../errors.ts';
import {readRegion} from '../host/file-regions.ts';
import type {FileNode} from '../layers/file-tree.ts';
import type {FoundFile} from '../layers/find-file.ts';
import {excerpt} from '../oci/excerpt.ts';
import {familiarReference, parseReference} from '../oci/reference.ts';
import type {ImageContext} from './context.ts';
import {describeFile, textOf} from './diff-files.ts';
import {isStoredId} from './find-image.ts';
import {type ImageFilesOptions, type ImagePath, KIND_NAMES, openImageFiles, requireFile} from './open-files.ts';
import type {ReadableFiles} from './partial/remote-files.ts';
import {findPresent} from './present-image.ts';
import {isNoAnswer, type PullPolicy} from './pull.ts';
import type {WhichFile} from './which.ts';

/** The bytes of a file of an image, to be read once. */
export interface OpenedFile {
  readonly imageId: string;
  readonly file: WhichFile;
  readonly content: AsyncIterable<Uint8Array>;
}

/** The bytes of a file of an image, to be read once and closed. */
export interface ImageFileContent extends OpenedFile {
  close(): void;
}

/** Several files in the order in which they were asked for, to be closed together. */
export interface ImageFileContents {
  readonly files: readonly OpenedFile[];
  close(): void;
}

export interface ReadFileOptions extends ImageFilesOptions {
  /**
   * Whether a registry is asked, as for a pull, but for the one file. Absent: `never`. An id is never asked for at a
   * registry.
   */
  readonly policy?: PullPolicy | undefined;
}

/**
 * Opens a file of an image for reading, as a container would first see it. Nothing is mounted or unpacked for that: a
 * few pages of the layers' indexes say where its bytes lie. Symlinks are followed within the image.
 *
 * Of an image that is not in the store, only what is needed is fetched of layers in eStargz and zstd:chunked, each piece
 * verified before it is given; other layers are fetched whole, and an image that has no others is pulled. The store keeps
 * what is read until the content is closed.
 *
 * @throws {WinchError} `IMAGE_UNKNOWN` | `IMAGE_AMBIGUOUS` | `PATH_UNKNOWN` | `PATH_LOOP` | `PATH_NOT_FILE`: a directory,
 * device or named pipe | `PATH_NOT_DIRECTORY` | `BLOB_MISSING` | `STORE_CORRUPT` | `LAYER_TOC_INVALID` | as `pullImage`
 */
export async function readImageFile(
  context: ImageContext,
  source: ImagePath,
  options: ReadFileOptions = {},
): Promise<ImageFileContent> {
  const files = await openFiles(context, source.reference, options);
  try {
    return {...(await openFile(files, source)), close: files.close};
  } catch (error) {
    files.close();
    throw error;
  }
}

/** As {@link readImageFile}, of several files or of none; what is needed to find them is fetched once for each image. */
export async function readImageFiles(
  context: ImageContext,
  sources: readonly ImagePath[],
  options: ReadFileOptions = {},
): Promise<ImageFileContents> {
  using closing = new DisposableStack();
  const images = new Map<string, ReadableFiles>();
  const files: OpenedFile[] = [];
  for (const source of sources) {
    const {reference} = source;
    const image = images.get(reference) ?? (await openFiles(context, reference, options));
    if (!images.has(reference)) closing.defer(image.close);
    images.set(reference, image);
    files.push(await openFile(image, source));
  }
  const opened = closing.move();
  return {files, close: () => opened.dispose()};
}

async function openFile(files: ReadableFiles, source: ImagePath): Promise<OpenedFile> {
  for (;;) {
    const {node, path} = findContent(files.root(), source);
    const content = await files.readFile(node);
    if (content) return {imageId: files.imageId, file: {...describeFile(node), path: textOf(path)}, content};
  }
}

async function openFiles(context: ImageContext, name: string, options: ReadFileOptions): Promise<ReadableFiles> {
  const {store} = context;
  const {policy = 'never', platform, onEvent} = options;
  if (policy === 'never' || isStoredId(store, name)) return await openStored(context, name, options);
  const reference = parseReference(name);
  const isPresent = findPresent(store, reference, platform) !== null;
  if (policy === 'missing' && isPresent) return await openStored(context, name, options);
  try {
    const {openRemoteFiles} = await import('./partial/remote-files.ts');
    return (await openRemoteFiles(context, name, options)) ?? (await pull(context, name, options));
  } catch (error) {
    if (policy !== 'newer' || !isPresent || !isNoAnswer(error)) throw error;
    const message = `${familiarReference(reference)} is used as it is stored: ${error.message}`;
    onEvent?.({type: 'warning:raised', code: 'PULL_SKIPPED', message});
    return await openStored(context, name, options);
  }
}

async function pull(context: ImageContext, name: string, options: ReadFileOptions): Promise<ReadableFiles> {
  const {pullFromRegistry} = await import('./pull-from-registry.ts');
  await pullFromRegistry(context, name, options);
  return await openStored(context, name, options);
}

async function openStored(context: ImageContext, name: string, options: ReadFileOptions): Promise<ReadableFiles> {
  const {imageId, root, close} = await openImageFiles(context, name, options);
  const readFile = async ({layerPath, contentOffset, size}: FileNode) =>
    readRegion({path: layerPath, offset: contentOffset, size}, 0, options);
  return {imageId, root: () => root, readFile, close};
}

function findContent(root: FileNode, source: ImagePath): FoundFile {
  const found = requireFile(root, source, {followsLast: true});
  if (found.node.kind === 'file') return found;
  const {reference, path} = source;
  throw new WinchError('PATH_NOT_FILE', `${excerpt(path)} in ${reference} is ${KIND_NAMES[found.node.kind]}`, {
    kind: 'invalid',
    hint: 'only files have bytes to read; directories can be listed or copied',
  });
}
