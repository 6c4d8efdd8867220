import {closeSync} from 'node:fs';
import {loadMountCalls} from './mount-calls.ts';
import {type Syscalls, UnmountFlag} from './syscalls.ts';

export interface MappedMount {
  /** A directory; with all that is mounted below it. */
  readonly source: string;
  readonly target: string;
  /** Of a user namespace, by whose ids the owners of the files are shown. */
  readonly namespaceFd: number;
}

/**
 * Mounts a tree once more, with owners as a user namespace has them: on disk, and at the source, they stay as they are.
 *
 * @throws a Node system error: `EINVAL` where a file system cannot do that, `ENOSYS` before Linux 5.12
 * @see mount_setattr(2), "ID-mapped mounts"
 */
export const mountMapped = ({source, target, namespaceFd}: MappedMount): void =>
  withMapped(source, namespaceFd, (move) => move(target));

/** As `mountMapped`, in the place of what is mounted at a directory. */
export const remountMapped = (syscalls: Syscalls, place: string, namespaceFd: number): void =>
  withMapped(place, namespaceFd, (move) => {
    syscalls.unmount(place, UnmountFlag.detach);
    move(place);
  });

function withMapped(source: string, namespaceFd: number, use: (move: (target: string) => void) => void): void {
  const calls = loadMountCalls();
  const fd = calls.cloneTree(source, true);
  try {
    calls.mapOwners(fd, namespaceFd);
    use((target) => calls.moveMount(fd, target));
  } finally {
    closeSync(fd);
  }
}
