import {readFileSync} from 'node:fs';

/**
 * The number of the mount that an open file lies on; a file system that is mounted in several places has several.
 *
 * @see proc_pid_fdinfo(5)
 */
export function mountIdOf(fd: number): string {
  const [, id] = /^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/thread-self/fdinfo/${fd}`, 'utf8')) ?? [];
  if (id === undefined) throw new Error('the kernel does not tell the mount of an open file');
  return id;
}
