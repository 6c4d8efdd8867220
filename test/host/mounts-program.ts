import {statSync, writeFileSync} from 'node:fs';
import {isWinchError} from '../../src/errors.ts';
import {enterPrivateMountNamespace, type MountStep, performMounts} from '../../src/host/mounts.ts';
import {loadSyscalls} from '../../src/host/syscalls.ts';

/**
 * A process of its own: carries out mount steps in a private namespace with a strict umask, tries to write to a file,
 * and says how it went.
 */
export interface MountsWork {
  readonly steps: readonly MountStep[];
  /** A file to write afterwards. */
  readonly write: string;
}

const work = JSON.parse(process.argv[2] ?? '') as MountsWork;
process.umask(0o077);
const syscalls = loadSyscalls();
enterPrivateMountNamespace(syscalls);

const attempt = (action: () => void): string => {
  try {
    action();
    return 'done';
  } catch (error) {
    if (isWinchError(error)) return error.code;
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
};

const mounted = attempt(() => performMounts(syscalls, work.steps));
const written = attempt(() => writeFileSync(work.write, 'x'));
const modes = work.steps
  .filter((step) => step.type === 'directory')
  .map(({path}) => statSync(path, {throwIfNoEntry: false})?.mode ?? 0)
  .map((mode) => (mode & 0o777).toString(8));
process.stdout.write(JSON.stringify({mounted, written, modes}));
