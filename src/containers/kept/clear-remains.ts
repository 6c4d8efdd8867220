import {rmSync} from 'node:fs';
import {readCgroups, removeCgroup} from '../../host/cgroups.ts';
import {openRunc} from '../../runtime/runc.ts';
import type {ContainerContext} from '../context.ts';
import {cgroupPath, runtimeStateDirectory} from '../directories.ts';
import {endStrays} from '../end-strays.ts';
import {volatileDirectory} from './places.ts';
import type {KeptRecord} from './record.ts';

/**
 * Clears what a container that does not run has left of its last start: processes, the runtime's state, its cgroup and
 * its bundle. Whoever calls holds its lock.
 */
export async function clearRemains(context: ContainerContext, {id, runtime}: KeptRecord): Promise<void> {
  const state = openRunc({path: runtime, stateDirectory: runtimeStateDirectory(context)});
  await endStrays(id, cgroupPath(id));
  if (state.hasState(id)) await state.remove(id);
  removeCgroup(readCgroups(), cgroupPath(id));
  rmSync(volatileDirectory(context, id), {recursive: true, force: true});
}
