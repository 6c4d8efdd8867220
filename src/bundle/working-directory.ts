import {posix} from 'node:path';
import {WinchError} from '../errors.ts';
import {isKernelDirectory} from '../host/kernel-directories.ts';
import {excerpt} from '../oci/excerpt.ts';
import type {ImageConfig} from '../oci/image-config.ts';
import type {ContainerOptions} from './container-options.ts';

/**
 * The absolute, normalised working directory of the first process; `/` when none is named.
 *
 * @throws {WinchError} `WORKING_DIRECTORY_INVALID`: below `/proc`, `/sys` or `/dev`, where `/proc/self/fd/7` would be a
 * directory of the host (CVE-2024-21626), or relative when the caller named it.
 */
export function createWorkingDirectory(image: ImageConfig | null, options: ContainerOptions): string {
  const asked = options.workingDirectory;
  if (asked !== undefined && !posix.isAbsolute(asked)) throw invalidDirectory(asked, 'is not an absolute path');
  const path = asked ?? image?.config.WorkingDir ?? '/';
  if (path.includes('\0')) throw invalidDirectory(path, 'holds a NUL byte');
  const directory = posix.resolve('/', path);
  if (isKernelDirectory(directory)) throw invalidDirectory(directory, 'lies in a file system of the kernel');
  return directory;
}

const invalidDirectory = (path: string, problem: string): WinchError =>
  new WinchError('WORKING_DIRECTORY_INVALID', `working directory ${excerpt(path)} ${problem}`, {
    kind: 'refused',
    hint: 'choose another working directory',
  });
