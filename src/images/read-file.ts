import {WinchError} from '../errors.ts';
import {readRegion} from '../host/file-regions.ts';
import {excerpt} from '../oci/excerpt.ts';
import type {ImageContext} from './context.ts';
import {describeFile, textOf} from './diff-files.ts';
import {type ImageFilesOptions, type ImagePath, KIND_NAMES, openImageFiles, requireFile} from './open-files.ts';
import type {WhichFile} from './which.ts';

/** The bytes of a file of an image, to be read once and closed. */
export interface ImageFileContent {
  readonly imageId: string;
  readonly file: WhichFile;
  readonly content: AsyncIterable<Uint8Array>;
  close(): void;
}

/**
 * Opens a file of a stored image for reading, as a container would first see it. Nothing is mounted or unpacked for
 * that: a few pages of the layers' indexes say where its bytes lie. Symlinks are followed within the image.
 *
 * The store keeps the image until the content is closed.
 *
 * @throws {WinchError} `IMAGE_UNKNOWN` | `IMAGE_AMBIGUOUS` | `PATH_UNKNOWN` | `PATH_LOOP` | `PATH_NOT_FILE`: a directory,
 * device or named pipe | `PATH_NOT_DIRECTORY` | `BLOB_MISSING` | `STORE_CORRUPT`
 */
export async function readImageFile(
  context: ImageContext,
  source: ImagePath,
  options: ImageFilesOptions = {},
): Promise<ImageFileContent> {
  const {imageId, root, close} = await openImageFiles(context, source.reference, options);
  try {
    const {node, path} = requireFile(root, source, {followsLast: true});
    if (node.kind !== 'file') throw noFile(source, KIND_NAMES[node.kind]);
    const region = {path: node.layerPath, offset: node.contentOffset, size: node.size};
    const content = readRegion(region, 0, {signal: options.signal});
    return {imageId, file: {...describeFile(node), path: textOf(path)}, content, close};
  } catch (error) {
    close();
    throw error;
  }
}

const noFile = ({reference, path}: ImagePath, kind: string): WinchError =>
  new WinchError('PATH_NOT_FILE', `${excerpt(path)} in ${reference} is ${kind}`, {
    kind: 'invalid',
    hint: 'only files have bytes to read; directories can be listed or copied',
  });
