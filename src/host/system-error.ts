import type {Koffi} from './load-koffi.ts';

/** What Node's own table of errors leaves out and mount(2) returns (errno(3)). */
const MISSING_ERRORS: ReadonlyMap<number, readonly [string, string]> = new Map([
  [15, ['ENOTBLK', 'block device required']],
  [40, ['ELOOP', 'too many symbolic links encountered']],
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
  // Imported, it would open standard error and make a pipe there non-blocking for the container as well.
  const {getSystemErrorMap} = process.getBuiltinModule('node:util');
  const [code, text] = getSystemErrorMap().get(-errno) ?? MISSING_ERRORS.get(errno) ?? [`E${errno}`, 'unknown error'];
  return Object.assign(new Error(`${code}: ${text}, ${syscall} '${path}'`), {code, errno: -errno, syscall, path});
}
