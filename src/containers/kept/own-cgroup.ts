import {WinchError} from '../../errors.ts';
import {hasCgroup, readCgroups} from '../../host/cgroups.ts';
import {findDelegatedCgroup} from '../../host/delegated-cgroup.ts';
import {isMachinesRoot} from '../../host/user-namespace.ts';
import {type CgroupOwner, cgroupPathOf} from '../cgroup-place.ts';
import {nameOf} from './find-container.ts';

type Named = Parameters<typeof nameOf>[0];

/**
 * Refuses what is done to all processes of a container at once, or tells what they use, where it is in the cgroup of
 * whoever started it.
 *
 * @param container One that runs.
 * @throws {WinchError} `CGROUP_MISSING`
 */
export function requireOwnCgroup(container: Named & CgroupOwner): void {
  if (!hasOwnCgroup(container)) throw cgroupMissing(container);
}

/** Whether a container that runs is not in the cgroup of whoever started it. */
export const hasOwnCgroup = (owner: CgroupOwner): boolean => hasCgroup(readCgroups(), cgroupPathOf(owner));

/** As `requireOwnCgroup`, of a container whose next start is this user's. */
export function requireCgroupRights(container: Named): void {
  if (!isMachinesRoot() && findDelegatedCgroup() === null) throw cgroupMissing(container);
}

const cgroupMissing = (container: Named): WinchError =>
  new WinchError('CGROUP_MISSING', `container ${nameOf(container)} of a user has no cgroup of its own`, {
    kind: 'unsupported',
    hint: 'only those of root, or started where cgroups are delegated, can be paused, measured and limited',
  });
