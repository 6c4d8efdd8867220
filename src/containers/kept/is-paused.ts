import {isFrozen} from '../../host/cgroup-freezer.ts';
import {readCgroups} from '../../host/cgroups.ts';
import {type CgroupOwner, cgroupPathOf} from '../cgroup-place.ts';

/** Whether the processes of a container that runs are stopped until somebody lets them go on. */
export const isPaused = (owner: CgroupOwner): boolean => isFrozen(readCgroups(), cgroupPathOf(owner));
