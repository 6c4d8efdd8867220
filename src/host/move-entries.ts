import {closeSync, constants, lstatSync, openSync, readdirSync, renameSync, rmdirSync, type Stats} from 'node:fs';
import {hasErrno, WinchError} from '../errors.ts';
import {excerpt} from '../oci/excerpt.ts';
import {mountIdOf} from './mount-id.ts';
import {removeEntry} from './remove-entry.ts';

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

export interface MoveOptions {
  /** Whether a directory makes way for a file, and a file for a directory; default false. */
  readonly replacesOtherKinds?: boolean | undefined;
}

/**
 * Moves what is in one directory into another on the same file system. Directories that both have are merged and keep
 * the attributes that they have; files and symlinks are replaced, each by a rename; nothing else is.
 *
 * Every step names one component below an open directory and follows no symlink, so what is moved stays below `to`.
 *
 * @throws {WinchError} `DESTINATION_INVALID`: one has a directory where the other has something else, or what would be
 * replaced is no file, unless other kinds are replaced. What came before it stays moved.
 */
export function moveEntries(from: string, to: string, options: MoveOptions = {}): void {
  const [source, target] = [openSync(from, DIRECTORY), openSync(to, DIRECTORY)];
  try {
    moveBetween({source, target, path: to}, options);
  } finally {
    closeSync(source);
    closeSync(target);
  }
}

interface Directories {
  readonly source: number;
  readonly target: number;
  /** Of the target, for messages. */
  readonly path: string;
}

function moveBetween({source, target, path}: Directories, options: MoveOptions): void {
  for (const name of readdirSync(`/proc/self/fd/${source}`, {encoding: 'buffer'})) {
    const [from, to] = [below(source, name), below(target, name)];
    const place = `${path}/${name.toString()}`;
    const existing = statsOf(to);
    const isDirectory = lstatSync(from).isDirectory();
    if (existing === null) move(from, to, place);
    else if (isDirectory && existing.isDirectory()) mergeDirectory({from, to, path: place}, options);
    else if (!isDirectory && (existing.isFile() || existing.isSymbolicLink())) move(from, to, place);
    else if (options.replacesOtherKinds) replace({from, to, place}, {directory: target, name});
    else if (isDirectory || existing.isDirectory()) throw invalid(place, isDirectory ? NO_DIRECTORY : A_DIRECTORY);
    else throw invalid(place, 'exists and is no regular file');
  }
}

const NO_DIRECTORY = 'exists and is no directory, and a directory cannot replace it';
const A_DIRECTORY = 'is a directory, and a file cannot replace it';

interface Merge {
  readonly from: Buffer;
  readonly to: Buffer;
  readonly path: string;
}

function mergeDirectory({from, to, path}: Merge, options: MoveOptions): void {
  const source = openSync(from, DIRECTORY);
  try {
    const target = openSync(to, DIRECTORY);
    try {
      moveBetween({source, target, path}, options);
    } finally {
      closeSync(target);
    }
  } finally {
    closeSync(source);
  }
  rmdirSync(from);
}

/** What cannot be renamed over. What is mounted in it is nobody's to remove. */
function replace(
  {from, to, place}: {readonly from: Buffer; readonly to: Buffer; readonly place: string},
  {directory, name}: {readonly directory: number; readonly name: Buffer},
): void {
  if (!isOfOneMount(to, mountIdOf(directory))) throw invalid(place, 'has something mounted in it');
  removeEntry(directory, name);
  move(from, to, place);
}

/** Of directories: the kernel itself refuses to remove a file that another one is mounted on. */
function isOfOneMount(path: Buffer, id: string): boolean {
  if (!lstatSync(path).isDirectory()) return true;
  const fd = openSync(path, DIRECTORY);
  try {
    if (mountIdOf(fd) !== id) return false;
    const names = readdirSync(`/proc/self/fd/${fd}`, {encoding: 'buffer'});
    return names.every((name) => isOfOneMount(below(fd, name), id));
  } finally {
    closeSync(fd);
  }
}

function move(from: Buffer, to: Buffer, place: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (hasErrno(error, 'EXDEV')) throw invalid(place, 'is on another file system than the directory above it');
    throw error;
  }
}

const below = (directory: number, name: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`/proc/self/fd/${directory}/`), name]);

function statsOf(path: Buffer): Stats | null {
  try {
    return lstatSync(path);
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return null;
    throw error;
  }
}

const invalid = (path: string, problem: string): WinchError =>
  new WinchError('DESTINATION_INVALID', `${excerpt(path)} ${problem}`, {
    kind: 'invalid',
    hint: 'choose another destination, or move it away',
  });
