import {spawnSync} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import {isWinchError} from '../../src/errors.ts';
import {enterPrivateMountNamespace, performMounts} from '../../src/host/mounts.ts';
import {loadSyscalls} from '../../src/host/syscalls.ts';
import {erofsSnapshotter} from '../../src/snapshots/erofs.ts';
import type {RootfsRequest} from '../../src/snapshots/snapshotter.ts';

/** Mounts a root file system in a process of its own and runs a shell script in it; returns what it prints. */
export function runInRootfs(request: RootfsRequest, script: string): string {
  const program = fileURLToPath(import.meta.url);
  const {stdout, stderr, status} = spawnSync(process.execPath, [program, JSON.stringify(request), script], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

function main(request: RootfsRequest, script: string): void {
  const {path, mounts} = erofsSnapshotter.prepare(request);
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
  const {stdout, stderr} = spawnSync('/bin/sh', ['-c', script], {cwd: path, encoding: 'utf8'});
  process.stdout.write(stdout + stderr);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , request = '', script = ''] = process.argv;
  main(JSON.parse(request) as RootfsRequest, script);
}
