import {listCgroupProcesses, readCgroups} from '../../host/cgroups.ts';
import {type ProcessDetails, readProcess} from '../../host/process-details.ts';
import {listFamily} from '../../host/process-family.ts';
import type {ContainerContext} from '../context.ts';
import {cgroupPath} from '../directories.ts';
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
  const {id, pid: first} = container;
  recordContainerEvents(context, container, [{action: 'top'}]);
  const pids = hasOwnCgroup({id}) ? listCgroupProcesses(readCgroups(), cgroupPath(id)) : listFamily(first);
  return pids.toSorted((a, b) => a - b).flatMap((pid) => readProcess(pid) ?? []);
}
