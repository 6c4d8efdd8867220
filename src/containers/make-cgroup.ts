import {join} from 'node:path';
import {requireCgroupParent} from '../bundle/cgroup-parent.ts';
import type {ContainerOptions} from '../bundle/container-options.ts';
import {WinchError} from '../errors.ts';
import {findParentsToMake, makeCgroup} from '../host/cgroup-tree.ts';
import {readCgroups} from '../host/cgroups.ts';
import {readOwnCgroupPath} from '../host/own-cgroup-path.ts';
import {isInitialUserNamespace} from '../host/user-namespace.ts';
import {excerpt} from '../oci/excerpt.ts';
import {type CgroupOwner, noteCgroup, noteCgroupMade, usualCgroupPath} from './cgroup-place.ts';

/**
 * Makes the cgroup of a container that is to be below another one, for the runtime to use. It is noted before, so that
 * whoever has to clear what a killed process has left finds it.
 *
 * @throws {WinchError} `CGROUP_PARENT_INVALID` | `CGROUP_CONTROLLER_MISSING`
 */
export function makeCgroupBelow(owner: CgroupOwner, container: ContainerOptions): void {
  const parent = requireCgroupParent(container, {isForeign: !isInitialUserNamespace()});
  if (parent === null) return;
  const path = join(parent.startsWith('/') ? '/' : requireOwnPath(parent), parent, usualCgroupPath(owner));
  const cgroups = readCgroups();
  noteCgroup(owner, {path, parents: findParentsToMake(cgroups, path)});
  try {
    makeCgroup(cgroups, path);
    noteCgroupMade(owner);
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? error.code : error;
    throw new WinchError('CGROUP_PARENT_INVALID', `no cgroup can be made below ${excerpt(parent)} (${reason})`, {
      kind: 'invalid',
      hint: 'choose another parent',
      cause: error,
    });
  }
}

function requireOwnPath(parent: string): string {
  const path = readOwnCgroupPath();
  if (path !== null) return path;
  throw new WinchError('CGROUP_PARENT_INVALID', `${excerpt(parent)} is below no one cgroup: winch is in several`, {
    kind: 'invalid',
    hint: 'write an absolute path as /ci/builds',
  });
}
