import {closeSync, constants, openSync, readlinkSync} from 'node:fs';
import {hasErrno} from '../../src/errors.ts';
import {loadSyscalls} from '../../src/host/syscalls.ts';

/** Not in Node's table: a file is looked up and not opened. */
const O_PATH = 0o10000000;

/** How the kernel looks up paths below the working directory as if that were the root: one answer a line. */
function main(paths: readonly string[]): void {
  const syscalls = loadSyscalls();
  const root = openSync('.', constants.O_RDONLY | constants.O_DIRECTORY);
  const answers = paths.flatMap((path) => [0, constants.O_NOFOLLOW].map((flags) => lookUp(path, flags)));
  process.stdout.write(answers.join('\n'));

  function lookUp(path: string, flags: number): string {
    try {
      const file = syscalls.openInRoot(root, path, O_PATH | flags);
      const found = readlinkSync(`/proc/self/fd/${file}`).slice(process.cwd().length);
      closeSync(file);
      return found === '' ? '/' : found;
    } catch (error) {
      if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return 'missing';
      if (hasErrno(error, 'ELOOP')) return 'loop';
      throw error;
    }
  }
}

main(process.argv.slice(2));
