import {readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import type {ContainerOptions} from '../bundle/container-options.ts';
import {hasErrno} from '../errors.ts';
import {readCgroups, removeCgroup} from '../host/cgroups.ts';
import type {CleanupStack} from '../host/cleanup.ts';
import {isInitialUserNamespace} from '../host/user-namespace.ts';

/** Whose cgroup is meant. */
export interface CgroupOwner {
  readonly id: string;
  /** In memory: its bundle, and where its cgroup is when that is below another one. */
  readonly directory: string;
}

const NOTE = 'cgroup';
const PARENTS_NOTE = 'cgroup-parents';

/** The cgroup that is a container's alone, as a path below each hierarchy. */
export const cgroupPathOf = (owner: CgroupOwner): string => readNote(owner, NOTE) ?? usualCgroupPath(owner);

/** Of its own in each hierarchy, so that no empty parent is left when the container is gone. */
export const usualCgroupPath = ({id}: Pick<CgroupOwner, 'id'>): string => `/winch-${id}`;

export interface PlannedCgroup {
  readonly path: string;
  /** Directories of its parents that this process may come to make. */
  readonly parents: readonly string[];
}

/** Notes another place of a cgroup, before it is there. The place comes last: without it nothing was made. */
export function noteCgroup({directory}: CgroupOwner, {path, parents}: PlannedCgroup): void {
  writeFileSync(join(directory, PARENTS_NOTE), parents.join('\n'), {mode: 0o600});
  writeFileSync(join(directory, NOTE), path, {mode: 0o600});
}

/** Notes that it is there, with all its parents. */
export const noteCgroupMade = ({directory}: CgroupOwner): void => rmSync(join(directory, PARENTS_NOTE));

/**
 * Makes the cgroup of a container where it is to be below another one; the runtime makes all others. Where that of a user
 * will be is noted.
 *
 * @throws {WinchError} `CGROUP_PARENT_INVALID` | `CGROUP_CONTROLLER_MISSING`
 */
export async function takeCgroup(owner: CgroupOwner, container: ContainerOptions = {}): Promise<void> {
  if (isElsewhere(container)) (await import('./make-cgroup.ts')).makeCgroupBelow(owner, container);
}

/** Users have theirs, if any, where one is delegated to them. */
const isElsewhere = ({cgroupParent}: ContainerOptions = {}): boolean =>
  Boolean(cgroupParent) || !isInitialUserNamespace();

interface CgroupOfRun {
  readonly container?: ContainerOptions;
  /** Removes it in the end, where the runtime does not. */
  readonly cleanup: CleanupStack;
}

/** As `takeCgroup`, of a run. @returns the path of its cgroup. */
export async function takeCgroupOfRun(owner: CgroupOwner, {container, cleanup}: CgroupOfRun): Promise<string> {
  if (isElsewhere(container)) cleanup.add(() => leaveCgroup(owner));
  await takeCgroup(owner, container);
  return cgroupPathOf(owner);
}

/** Removes the cgroup of a container that is no more, and of its parents those that winch has made for no one else. */
export async function leaveCgroup(owner: CgroupOwner): Promise<void> {
  const path = readNote(owner, NOTE);
  if (path === null) {
    removeCgroup(readCgroups(), usualCgroupPath(owner));
    return;
  }
  const {removeCgroupAndParents} = await import('../host/cgroup-tree.ts');
  removeCgroupAndParents(readCgroups(), path, readNote(owner, PARENTS_NOTE)?.split('\n'));
}

/** Null as well: whoever wrote it was killed at that, before there was a cgroup. */
function readNote({directory}: CgroupOwner, name: string): string | null {
  try {
    return readFileSync(join(directory, name), 'utf8') || null;
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return null;
    throw error;
  }
}
