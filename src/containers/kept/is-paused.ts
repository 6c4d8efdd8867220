import {isFrozen} from '../../host/cgroup-freezer.ts';
import {readCgroups} from '../../host/cgroups.ts';
import {cgroupPath} from '../directories.ts';

/** Whether the processes of a container that runs are stopped until somebody lets them go on. */
export const isPaused = (id: string): boolean => isFrozen(readCgroups(), cgroupPath(id));
