import {spawnSync} from 'node:child_process';
import {fileURLToPath} from 'node:url';

export interface DiskRequest {
  readonly directory: string;
  /** Options of a tmpfs (`size=64k`, `nr_inodes=8`). */
  readonly options: string;
  /** Shell commands that fill or change the disk before the module starts in it. */
  readonly prepare?: string;
}

/**
 * Runs a module in a process of its own for which a directory, also its argument and working directory, is a small
 * disk.
 *
 * @returns the JSON that it prints.
 */
export function runOnDisk(module: URL, {directory, options, prepare = ':'}: DiskRequest): unknown {
  const script = `mount -t tmpfs -o "$1" none "$0" && cd "$0" && ${prepare} && shift && exec "$@"`;
  const command = [process.execPath, fileURLToPath(module), directory];
  const {status, stdout, stderr} = spawnSync(
    'unshare',
    ['--mount', '/bin/sh', '-c', script, directory, options, ...command],
    {encoding: 'utf8'},
  );
  if (status !== 0) throw new Error(`${fileURLToPath(module)}: ${stderr}`);
  return JSON.parse(stdout) as unknown;
}
