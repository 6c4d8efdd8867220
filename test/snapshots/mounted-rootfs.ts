import {spawnSync} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import {isWinchError} from '../../src/errors.ts';
import {enterPrivateMountNamespace, performMounts} from '../../src/host/mounts.ts';
import {loadSyscalls} from '../../src/host/syscalls.ts';
import {erofsSnapshotter} from '../../src/snapshots/erofs.ts';
import {overlaySnapshotter} from '../../src/snapshots/overlay.ts';
import type {RootfsRequest, SnapshotterName} from '../../src/snapshots/snapshotter.ts';
import {type Listing, listTree} from '../helpers/file-tree.ts';

export interface MountedRequest extends RootfsRequest {
  readonly driver: SnapshotterName;
}

/** Stands for a script that lists everything. */
const LIST = 'list';

/** Mounts a root file system in a process of its own and lists it. */
export const listRootfs = (request: MountedRequest): Listing => JSON.parse(runInRootfs(request, LIST)) as Listing;

/** Mounts a root file system in a process of its own and runs a shell script in it; returns what it prints. */
export function runInRootfs(request: MountedRequest, script: string): string {
  const program = fileURLToPath(import.meta.url);
  const {stdout, stderr, status} = spawnSync(process.execPath, [program, JSON.stringify(request), script], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

function main({driver, ...request}: MountedRequest, script: string): void {
  const snapshotter = driver === 'erofs' ? erofsSnapshotter : overlaySnapshotter;
  const {path, mounts} = snapshotter.prepare(request);
  const syscalls = loadSyscalls();
  process.umask(0o077);
  enterPrivateMountNamespace(syscalls);
  try {
    performMounts(syscalls, mounts);
  } catch (error) {
    if (!isWinchError(error)) throw error;
    process.stdout.write(error.code);
    return;
  }
  if (script === LIST) {
    process.stdout.write(JSON.stringify(listTree(path)));
    return;
  }
  const {stdout, stderr} = spawnSync('/bin/sh', ['-c', script], {cwd: path, encoding: 'utf8'});
  process.stdout.write(stdout + stderr);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , request = '', script = ''] = process.argv;
  main(JSON.parse(request) as MountedRequest, script);
}
