import {hasErrno} from '../errors.ts';
import {loadKoffi} from './load-koffi.ts';
import {createCheck} from './system-error.ts';

/** System calls that read extended attributes. No symlink is followed. */
export interface AttributeCalls {
  /** All that this process may see of a file, names and values as latin1 text; none where the file system has none. */
  read(path: Buffer): ReadonlyMap<string, string>;
}

/** XATTR_LIST_MAX and XATTR_SIZE_MAX of Linux. */
const LARGEST_BYTES = 65_536;
const END = Buffer.alloc(1);

/** Loads libc through koffi, as `loadSyscalls` does. @throws Node-style system errors from each call that fails */
export function loadAttributeCalls(): AttributeCalls {
  const koffi = loadKoffi();
  const libc = koffi.load(null);
  const llistxattr = libc.func('intptr_t llistxattr(const uint8_t*, uint8_t*, size_t)');
  const lgetxattr = libc.func('intptr_t lgetxattr(const uint8_t*, const uint8_t*, uint8_t*, size_t)');
  const buffer = Buffer.alloc(LARGEST_BYTES);
  const check = createCheck(koffi);
  const readResult = (length: number, syscall: string, path: Buffer): string =>
    buffer.toString('latin1', 0, check(length, syscall, path));
  const list = (path: Buffer): readonly string[] => {
    try {
      return readResult(llistxattr(path, buffer, buffer.length), 'llistxattr', path)
        .split('\0')
        .slice(0, -1);
    } catch (error) {
      if (hasErrno(error, 'EOPNOTSUPP', 'ENOTSUP')) return [];
      throw error;
    }
  };
  return {
    read: (file) => {
      const path = Buffer.concat([file, END]);
      const readValue = (name: string) =>
        readResult(lgetxattr(path, Buffer.from(`${name}\0`, 'latin1'), buffer, buffer.length), 'lgetxattr', path);
      return new Map(list(path).map((name) => [name, readValue(name)]));
    },
  };
}
