import {WinchError} from '../errors.ts';
import {readRunnableArchitectures} from '../host/architectures.ts';
import {type ExecutableLookup, findExecutableInRoot} from '../host/root-executable.ts';
import type {Syscalls} from '../host/syscalls.ts';
import type {RuntimeSpec} from '../oci/runtime-spec.ts';

export interface ExecutableCheck {
  readonly syscalls: Syscalls;
  readonly rootFd: number;
  readonly spec: Pick<RuntimeSpec, 'process' | 'mounts'>;
  /** The command's first word; the specification's arguments may begin with an init. */
  readonly command: string;
  /** What the root file system belongs to, for messages; absent: the image. */
  readonly owner?: 'image' | 'container';
}

const REASONS = Object.freeze({
  directory: 'is a directory',
  permission: 'is not executable for this user',
  format: 'is neither a program nor a script',
});

/**
 * Looks for the command before the runtime does, so that its absence is told apart from the command's own exit codes.
 *
 * @throws {WinchError} `COMMAND_NOT_FOUND` | `COMMAND_NOT_EXECUTABLE`
 */
export function requireExecutable({syscalls, rootFd, spec, command, owner = 'image'}: ExecutableCheck): void {
  const {process: target, mounts} = spec;
  const lookup = findExecutableInRoot(syscalls, rootFd, {
    command,
    path: target.env.findLast((entry) => entry.startsWith('PATH='))?.slice('PATH='.length) ?? '',
    workingDirectory: target.cwd,
    user: {uid: target.user.uid, additionalGids: [target.user.gid, ...(target.user.additionalGids ?? [])]},
    mountTargets: mounts.map(({destination}) => destination),
    architectures: readRunnableArchitectures(),
  });
  const error = lookupError(lookup, command, owner);
  if (error) throw error;
}

function lookupError(lookup: ExecutableLookup, command: string, owner: string): WinchError | null {
  switch (lookup.outcome) {
    case 'found':
    case 'unknown':
      return null;
    case 'missing':
      return notFound(command, lookup.path, owner);
    case 'not-executable':
      return notExecutable(
        `${lookup.path} in the ${owner} ${REASONS[lookup.reason]}`,
        `name a program of the ${owner}`,
      );
    case 'wrong-architecture':
      return notExecutable(
        `${lookup.path} is a program for ${lookup.architecture}, which this machine cannot run`,
        'pull the image for another platform, or register an emulator (binfmt_misc)',
      );
  }
}

const notFound = (command: string, missing: string, owner: string): WinchError =>
  new WinchError(
    'COMMAND_NOT_FOUND',
    missing === command
      ? `the command ${command} is not in the ${owner}`
      : `the command ${command} needs ${missing}, which is not in the ${owner}`,
    {kind: 'runtime', hint: `check the command's spelling and the ${owner}'s PATH`},
  );

const notExecutable = (message: string, hint: string): WinchError =>
  new WinchError('COMMAND_NOT_EXECUTABLE', message, {kind: 'runtime', hint});
