import type {FileHandle} from 'node:fs/promises';
import {posix} from 'node:path';
import {hasErrno, WinchError} from '../errors.ts';
import type {CallOptions} from '../events.ts';
import {openRegularFile} from '../host/file-regions.ts';
import {storageError} from '../host/storage-error.ts';
import {displayBytes} from '../layers/byte-string.ts';
import type {TarEntry} from '../layers/tar-entry.ts';
import {indexTar} from '../layers/tar-index.ts';
import type {FileSet} from './file-set.ts';
import {unpackIfPacked} from './packed-archive.ts';

/** An archive of the largest index that is read has a tenth of it. */
const ENTRY_LIMIT = 100_000;
/** As the kernel (MAXSYMLINKS) has it, more or less. */
const LINK_LIMIT = 40;

/**
 * The files in a tar, plain or packed by gzip or zstd. Nothing is extracted: only its headers are read, and a file when it
 * is asked for.
 *
 * Links are followed within the archive, as `docker save` writes them; nothing outside can be reached.
 *
 * @throws {WinchError} `ARCHIVE_MISSING` | `ARCHIVE_INVALID` | `LIMIT_ARCHIVE_ENTRIES` | `FILE_UNUSABLE`
 */
export async function openArchiveFiles(path: string, {signal, onEvent}: CallOptions): Promise<FileSet> {
  const unpacked = await unpackIfPacked(await openArchive(path), {path, signal, onEvent});
  const {file, close} = unpacked;
  try {
    const {size: bytes} = await file.stat();
    const read = async (offset: number, length: number) => {
      const {buffer, bytesRead} = await file.read(Buffer.alloc(Math.min(length, bytes - offset)), {position: offset});
      return buffer.subarray(0, bytesRead);
    };
    const entries = await indexTar({bytes, read}, {where: path, entryLimit: ENTRY_LIMIT, signal});
    const byPath = indexByPath(path, entries);
    return {
      name: path,
      find: async (wanted) => {
        const entry = followLinks(path, byPath, wanted);
        return entry && {path: unpacked.path, offset: entry.dataOffset, size: entry.size};
      },
      wholeFile: () => null,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openArchive(path: string): Promise<FileHandle> {
  try {
    return await openRegularFile(path);
  } catch (error) {
    if (!hasErrno(error, 'ENOENT', 'ENOTDIR')) throw storageError(error, path);
    throw new WinchError('ARCHIVE_MISSING', `there is no file ${path}`, {
      kind: 'not-found',
      hint: 'check how its path is written',
    });
  }
}

/** @throws {WinchError} `ARCHIVE_INVALID`: a path out of the archive, or a file twice, of which readers take either. */
function indexByPath(archive: string, entries: readonly TarEntry[]): ReadonlyMap<string, TarEntry> {
  const byPath = new Map<string, TarEntry>();
  for (const entry of entries) {
    const path = inside(entry.path);
    if (path === null) throw invalid(archive, `${displayBytes(entry.path)} leads out of it`);
    if (byPath.has(path) && entry.type !== 'directory') throw invalid(archive, `it has ${displayBytes(path)} twice`);
    byPath.set(path, entry);
  }
  return byPath;
}

function followLinks(archive: string, byPath: ReadonlyMap<string, TarEntry>, wanted: string): TarEntry | null {
  let path = inside(Buffer.from(wanted).toString('latin1'));
  for (let links = 0; links < LINK_LIMIT && path !== null; links++) {
    const entry = byPath.get(path);
    if (!entry) return null;
    if (entry.type === 'file') return entry;
    if (entry.type !== 'symlink' && entry.type !== 'hardlink') break;
    const {linkPath} = entry;
    path =
      entry.type === 'hardlink'
        ? inside(linkPath)
        : linkPath.startsWith('/')
          ? null
          : inside(posix.join(posix.dirname(path), linkPath));
  }
  throw invalid(archive, `${wanted} is no file, nor a link to one within it`);
}

/** The path without `.` and doubled slashes; null when it leads out. */
function inside(path: string): string | null {
  const normal = posix.normalize(path).replace(/^\.\//, '').replace(/\/$/, '');
  const isOutside = path.includes('\0') || normal === '..' || normal.startsWith('../') || normal.startsWith('/');
  return isOutside ? null : normal;
}

const invalid = (archive: string, fault: string): WinchError =>
  new WinchError('ARCHIVE_INVALID', `${archive} is no archive of images: ${fault}`, {
    kind: 'refused',
    hint: 'it is damaged or hostile; nothing was written',
  });
