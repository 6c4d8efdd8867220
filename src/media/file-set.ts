import {lstat} from 'node:fs/promises';
import {join} from 'node:path';
import {hasErrno, WinchError} from '../errors.ts';
import {type FileRegion, readWholeRegion} from '../host/file-regions.ts';
import {storageError} from '../host/storage-error.ts';

/** The files of a directory or an archive, by paths below its root. */
export interface FileSet {
  /** For messages. */
  readonly name: string;
  /** Null: there is no such file. @throws {WinchError} `FILE_UNUSABLE`, `ARCHIVE_INVALID` */
  find(path: string): Promise<FileRegion | null>;
  /** A file that is the whole of what `find` gives; null in an archive. */
  wholeFile(path: string): string | null;
  close(): Promise<void>;
}

/** The files below a directory. */
export const openDirectoryFiles = (directory: string): FileSet => ({
  name: directory,
  find: async (path) => {
    const file = join(directory, path);
    try {
      const stats = await lstat(file);
      if (stats.isFile()) return {path: file, offset: 0, size: stats.size};
    } catch (error) {
      if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return null;
      throw storageError(error, file);
    }
    throw new WinchError('FILE_UNUSABLE', `${file} is no regular file`, {
      kind: 'refused',
      hint: 'links and devices are not followed where an image should be',
    });
  },
  wholeFile: (path) => join(directory, path),
  close: async () => {},
});

export interface SmallFile {
  readonly path: string;
  readonly limitBytes: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The content of a file that has to be small; null: there is none.
 *
 * @throws {WinchError} `LIMIT_FILE`
 */
export async function readSmallFile(files: FileSet, {path, limitBytes, signal}: SmallFile): Promise<Buffer | null> {
  const region = await files.find(path);
  if (region === null) return null;
  if (region.size > limitBytes) {
    throw new WinchError('LIMIT_FILE', `${path} in ${files.name} has ${region.size} bytes, more than ${limitBytes}`, {
      kind: 'refused',
      hint: 'no image needs that',
    });
  }
  return await readWholeRegion(region, {signal});
}
