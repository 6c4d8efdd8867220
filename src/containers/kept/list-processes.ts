import {listCgroupProcesses, readCgroups} from '../../host/cgroups.ts';
import {type ProcessDetails, readProcess} from '../../host/process-details.ts';
import {listFamily} from '../../host/process-family.ts';
import {cgroupPathOf} from '../cgroup-place.ts';
import type {ContainerContext} from '../context.ts';
import {recordContainerEvents} from '../record-events.ts';
import {requireLive} from './find-live.ts';
import {hasOwnCgroup} from './own-cgroup.ts';

/**
 * The processes of a running container, as this machine counts and sees them. No program of the container is run.
 *
 * @throws {WinchError} `CONTAINER_UNKNOWN` | `CONTAINER_AMBIGUOUS` | `CONTAINER_STOPPED`
 */
export async function listProcesses(context: ContainerContext, text: string): Promise<readonly ProcessDetails[]> {
  const container = await requireLive(context, text);
  recordContainerEvents(context, container, [{action: 'top'}]);
  const pids = hasOwnCgroup(container)
    ? listCgroupProcesses(readCgroups(), cgroupPathOf(container))
    : listFamily(container.pid);
  return pids.toSorted((a, b) => a - b).flatMap((pid) => readProcess(pid) ?? []);
}
