import type {ContainerSummary} from '../containers/kept/list-containers.ts';
import {humanAge} from './age.ts';

/** As docker lists it: `Up 3 seconds (healthy)`, `Exited (1) 2 minutes ago`. */
export function describeStatus(container: ContainerSummary, now: Date): string {
  const {state, isPaused, startedAt, finishedAt, exitCode} = container;
  if (state === 'created') return 'Created';
  if (state === 'running') {
    const remark = isPaused ? ' (Paused)' : describeHealth(container);
    return `Up ${humanAge(startedAt, now).replace(/ ago$/, '')}${remark}`;
  }
  return `${container.isRestarting ? 'Restarting' : 'Exited'} (${exitCode})${finishedAt === null ? '' : ` ${humanAge(finishedAt, now)}`}`;
}

function describeHealth({health}: ContainerSummary): string {
  if (health === null) return '';
  return health.status === 'starting' ? ' (health: starting)' : ` (${health.status})`;
}
