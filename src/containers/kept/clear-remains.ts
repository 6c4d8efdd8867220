import {rmSync} from 'node:fs';
import type {ContainerContext} from '../context.ts';
import {clearRuntime} from '../directories.ts';
import {volatileDirectory} from './places.ts';
import type {KeptRecord} from './record.ts';

/**
 * Clears what a container that does not run has left of its last start: processes, the runtime's state, its cgroup and
 * its bundle. Whoever calls holds its lock.
 */
export async function clearRemains(context: ContainerContext, {id, runtime}: KeptRecord): Promise<void> {
  await clearRuntime(context, id, () => runtime);
  rmSync(volatileDirectory(context, id), {recursive: true, force: true});
}
