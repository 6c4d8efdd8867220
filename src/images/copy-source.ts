import type {ByteString} from '../layers/byte-string.ts';
import type {FileNode} from '../layers/file-tree.ts';
import {type ImageFilesOptions, type ImagePath, requireFile} from './open-files.ts';

export interface SourceOptions extends ImageFilesOptions {
  /** Copy what a symlink at the end of the path leads to, under the link's name, and not the link. */
  readonly followsLink?: boolean | undefined;
}

export interface CopySource {
  readonly node: FileNode;
  /** What it is called by its path; null: only what is in it is meant. */
  readonly name: ByteString | null;
}

/**
 * What a path of an image means as the source of a copy: with `/.` at its end the content of the directory.
 *
 * @throws {WinchError} as `requireFile`
 */
export function findSource(root: FileNode, source: ImagePath, {followsLink = false}: SourceOptions): CopySource {
  const {node, path} = requireFile(root, source, {followsLast: followsLink});
  if (path === '/' || source.path.endsWith('/.') || source.path === '.') return {node, name: null};
  const given = Buffer.from(source.path)
    .toString('latin1')
    .split('/')
    .findLast((name) => name !== '');
  const found = path.slice(path.lastIndexOf('/') + 1);
  return {node, name: given === undefined || given === '..' || given === '.' ? found : given};
}
