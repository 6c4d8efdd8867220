import {writeMergedTar} from '../layers/merged-tar.ts';
import type {ExportedFiles} from './archives/export-image.ts';
import type {ImageContext} from './context.ts';
import {findSource, type SourceOptions} from './copy-source.ts';
import {type ImagePath, openImageFiles} from './open-files.ts';

/**
 * Opens a file or directory of a stored image as a tar, as `docker cp IMAGE:/path -` has it: below the last name of the
 * path, or without it for a path that ends in `/.` and for the root. Owners, modes, times, hard links, devices and
 * extended attributes are those of the image.
 *
 * @throws {WinchError} as `readImageFile`
 */
export async function readImageTar(
  context: ImageContext,
  source: ImagePath,
  options: SourceOptions = {},
): Promise<ExportedFiles> {
  const {imageId, root, close} = await openImageFiles(context, source.reference, options);
  try {
    const {node, name} = findSource(root, source, options);
    return {imageId, content: writeMergedTar(node, {name: name ?? '', signal: options.signal}), close};
  } catch (error) {
    close();
    throw error;
  }
}
