import type {Koffi} from './load-koffi.ts';

/** errno(3). Node makes its own table when it is first asked, for 1 ms: files are often looked for that are not there. */
const USUAL_ERRORS: ReadonlyMap<number, readonly [string, string]> = new Map([
  [2, ['ENOENT', 'no such file or directory']],
  [17, ['EEXIST', 'file already exists']],
  [20, ['ENOTDIR', 'not a directory']],
  [22, ['EINVAL', 'invalid argument']],
  [40, ['ELOOP', 'too many symbolic links encountered']],
  // Node's table leaves it out, and mount(2) returns it.
  [15, ['ENOTBLK', 'block device required']],
]);

/** Passes on what a system call returns, unless that says that it has failed. @throws as `systemError` */
export type CheckCall = (result: number, syscall: string, subject: string | Buffer) => number;

/** Of the calls that are made through koffi. */
export const createCheck =
  (koffi: Pick<Koffi, 'errno'>): CheckCall =>
  (result, syscall, subject) => {
    if (result < 0) throw systemError(koffi.errno(), syscall, subject.toString());
    return result;
  };

/** What Node's own calls throw. */
export function systemError(errno: number, syscall: string, path: string): NodeJS.ErrnoException {
  const [code, text] = USUAL_ERRORS.get(errno) ?? findNodesError(errno) ?? [`E${errno}`, 'unknown error'];
  return Object.assign(new Error(`${code}: ${text}, ${syscall} '${path}'`), {code, errno: -errno, syscall, path});
}

function findNodesError(errno: number): readonly [string, string] | undefined {
  // Imported, it would open standard error and make a pipe there non-blocking for the container as well.
  const {getSystemErrorMap} = process.getBuiltinModule('node:util');
  return getSystemErrorMap().get(-errno);
}
