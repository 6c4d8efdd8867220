import {dirname, join} from 'node:path';
import {requireCgroupParent} from '../bundle/cgroup-parent.ts';
import type {ContainerOptions} from '../bundle/container-options.ts';
import {createResources} from '../bundle/resources.ts';
import {WinchError} from '../errors.ts';
import {findParentsToMake, makeCgroup} from '../host/cgroup-tree.ts';
import {type Cgroups, readCgroups} from '../host/cgroups.ts';
import {findDelegatedCgroup} from '../host/delegated-cgroup.ts';
import {readOwnCgroupPath} from '../host/own-cgroup-path.ts';
import {readUnifiedLimits} from '../host/unified-limits.ts';
import {isInitialUserNamespace} from '../host/user-namespace.ts';
import {excerpt} from '../oci/excerpt.ts';
import {type CgroupOwner, noteCgroup, noteCgroupMade, usualCgroupPath} from './cgroup-place.ts';

/**
 * Makes the cgroup of a container that is to be below another one, for the runtime to use; of a container of a user it notes
 * the place, if there is one, where the runtime will make it. It is noted before, so that
 * whoever has to clear what a killed process has left finds it.
 *
 * @throws {WinchError} `CGROUP_PARENT_INVALID` | `CGROUP_CONTROLLER_MISSING`
 */
export function makeCgroupBelow(owner: CgroupOwner, container: ContainerOptions): void {
  const isForeign = !isInitialUserNamespace();
  const parent = requireCgroupParent(container, {isForeign});
  if (isForeign) noteDelegated(owner);
  if (parent === null) return;
  const path = join(parent.startsWith('/') ? '/' : requireOwnPath(parent), parent, usualCgroupPath(owner));
  const cgroups = readCgroups();
  requireLimitsBelow(cgroups, dirname(path), container);
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

function noteDelegated(owner: CgroupOwner): void {
  const place = findDelegatedCgroup();
  if (place !== null) noteCgroup(owner, {path: join(place, usualCgroupPath(owner)), parents: []});
}

/** In the unified tree, processes of a cgroup keep limits from those below it. */
function requireLimitsBelow({version, unified}: Cgroups, parent: string, container: ContainerOptions): void {
  if (version !== 'v2' || unified === null) return;
  createResources(container, {version, ...readUnifiedLimits(unified, parent)}, {rules: []});
}

function requireOwnPath(parent: string): string {
  const path = readOwnCgroupPath();
  if (path !== null) return path;
  throw new WinchError('CGROUP_PARENT_INVALID', `${excerpt(parent)} is below no one cgroup: winch is in several`, {
    kind: 'invalid',
    hint: 'write an absolute path as /ci/builds',
  });
}
