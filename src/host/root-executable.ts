import {readSync, type Stats} from 'node:fs';
import {posix} from 'node:path';
import {readElf} from './elf.ts';
import {withFileInRoot} from './root-files.ts';
import {resolveInRoot} from './root-path.ts';
import type {Syscalls} from './syscalls.ts';

/** What execvp(3) would make of a command in a rootfs. */
export type ExecutableLookup =
  | {readonly outcome: 'found'; readonly path: string}
  /** `path` is what lacks: the command, or the interpreter that a found program names. */
  | {readonly outcome: 'missing'; readonly path: string}
  | {
      readonly outcome: 'not-executable';
      readonly path: string;
      readonly reason: 'directory' | 'permission' | 'format';
    }
  /** A program for a machine that this one neither is nor emulates. */
  | {readonly outcome: 'wrong-architecture'; readonly path: string; readonly architecture: string}
  /** Something will be mounted where the command leads: only the runtime can tell. */
  | {readonly outcome: 'unknown'};

export interface ExecutableSearch {
  /** First word of the argument vector. */
  readonly command: string;
  /** The container's PATH. */
  readonly path: string;
  readonly workingDirectory: string;
  readonly user: {readonly uid: number; readonly additionalGids: readonly number[]};
  /** Absolute paths where the container will have mounts. */
  readonly mountTargets: readonly string[];
  /** Architectures whose programs this machine runs, by Go's names (`amd64`, `386`). */
  readonly architectures: readonly string[];
}

interface Scope {
  readonly syscalls: Syscalls;
  readonly rootFd: number;
  readonly search: ExecutableSearch;
}

/** The kernel looks for `#!` and the interpreter in so many bytes (BINPRM_BUF_SIZE). */
const SCRIPT_HEAD_BYTES = 256;
const HEAD_BYTES = 4096;
/** Interpreters may be scripts themselves, this deep. */
const MAX_INTERPRETERS = 5;

/**
 * Finds the program that a command would start, without starting it, so that "not found" and "not executable" can be
 * told apart from the exit codes of the program itself.
 *
 * Synchronous, since the rootfs may be mounted for the calling thread only.
 *
 * @param rootFd An open directory: the rootfs, before anything is mounted into it.
 */
export function findExecutableInRoot(syscalls: Syscalls, rootFd: number, search: ExecutableSearch): ExecutableLookup {
  const scope: Scope = {syscalls, rootFd, search};
  let denied: ExecutableLookup | null = null;
  for (const path of candidatesFor(search)) {
    const lookup = inspectProgram(scope, path, MAX_INTERPRETERS);
    if (lookup.outcome === 'missing' && lookup.path === path) continue;
    const isDenied = lookup.outcome === 'not-executable' && lookup.reason !== 'format';
    if (!isDenied) return lookup;
    denied ??= lookup;
  }
  return denied ?? {outcome: 'missing', path: search.command};
}

function candidatesFor({command, path, workingDirectory}: ExecutableSearch): readonly string[] {
  if (command.includes('/')) return [posix.resolve(workingDirectory, command)];
  const directories = path === '' ? [] : path.split(':');
  return directories.map((directory) => posix.resolve(workingDirectory, directory, command));
}

function inspectProgram(scope: Scope, path: string, depth: number): ExecutableLookup {
  const {syscalls, rootFd} = scope;
  const lookup = withFileInRoot(syscalls, {rootFd, path}, (fd, stats) => {
    if (!stats.isFile()) return notExecutable(path, stats.isDirectory() ? 'directory' : 'permission');
    if (!mayExecute(stats, scope.search.user)) return notExecutable(path, 'permission');
    const head = Buffer.alloc(HEAD_BYTES);
    return inspectHead(scope, {path, head: head.subarray(0, readSync(fd, head)), depth});
  });
  if (lookup?.outcome === 'found') return lookup;
  return leadsToMount(scope, path) ? {outcome: 'unknown'} : (lookup ?? {outcome: 'missing', path});
}

function inspectHead(
  scope: Scope,
  {path, head, depth}: {readonly path: string; readonly head: Buffer; readonly depth: number},
): ExecutableLookup {
  const elf = readElf(head);
  if (elf !== null && !scope.search.architectures.includes(elf.architecture)) {
    return {outcome: 'wrong-architecture', path, architecture: elf.architecture};
  }
  const interpreter = elf === null ? scriptInterpreter(head) : elf.interpreter;
  if (interpreter === null) return elf === null ? notExecutable(path, 'format') : {outcome: 'found', path};
  if (depth === 0) return notExecutable(path, 'format');
  const target = posix.resolve(scope.search.workingDirectory, interpreter);
  const lookup = inspectProgram(scope, target, depth - 1);
  return lookup.outcome === 'found' ? {outcome: 'found', path} : lookup;
}

function scriptInterpreter(head: Buffer): string | null {
  const line = head.toString('utf8', 0, SCRIPT_HEAD_BYTES).split('\n', 1)[0] ?? '';
  return /^#![ \t]*([^ \t\0]+)/.exec(line)?.[1] ?? null;
}

/** The kernel's check: root needs any execute bit, others the one of their own class. */
function mayExecute({mode, uid, gid}: Stats, user: ExecutableSearch['user']): boolean {
  if (user.uid === 0) return (mode & 0o111) !== 0;
  if (user.uid === uid) return (mode & 0o100) !== 0;
  return (mode & (user.additionalGids.includes(gid) ? 0o010 : 0o001)) !== 0;
}

function leadsToMount({syscalls, rootFd, search}: Scope, path: string): boolean {
  const resolved = resolveInRoot(syscalls, rootFd, path);
  return resolved !== null && search.mountTargets.some((target) => `${resolved}/`.startsWith(`${target}/`));
}

const notExecutable = (path: string, reason: 'directory' | 'permission' | 'format'): ExecutableLookup => ({
  outcome: 'not-executable',
  path,
  reason,
});
