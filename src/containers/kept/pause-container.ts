import {WinchError} from '../../errors.ts';
import type {ContainerContext} from '../context.ts';
import {recordContainerEvents} from '../record-events.ts';
import {nameOf} from './find-container.ts';
import {type LiveContainer, requireLive, requireUnpaused} from './find-live.ts';
import {requireOwnCgroup} from './own-cgroup.ts';

/**
 * Stops all processes of a running container where they are, until it is unpaused, stopped or removed.
 *
 * @returns its id.
 * @throws {WinchError} `CONTAINER_UNKNOWN` | `CONTAINER_AMBIGUOUS` | `CONTAINER_STOPPED` | `CONTAINER_PAUSED` |
 * `CGROUP_MISSING` | `RUNTIME_FAILED`
 */
export async function pauseContainer(context: ContainerContext, text: string): Promise<string> {
  const container = await requireLive(context, text);
  requireUnpaused(container);
  requireOwnCgroup(container);
  await requireSuccess(context, container, await container.runtime.pause(container.id));
  recordContainerEvents(context, container, [{action: 'pause'}]);
  return container.id;
}

/**
 * Lets the processes of a paused container go on.
 *
 * @returns its id.
 * @throws {WinchError} `CONTAINER_UNKNOWN` | `CONTAINER_AMBIGUOUS` | `CONTAINER_STOPPED` | `CONTAINER_NOT_PAUSED` |
 * `RUNTIME_FAILED`
 */
export async function unpauseContainer(context: ContainerContext, text: string): Promise<string> {
  const container = await requireLive(context, text);
  if (!container.isPaused) {
    throw new WinchError('CONTAINER_NOT_PAUSED', `container ${nameOf(container)} is not paused`, {kind: 'invalid'});
  }
  await requireSuccess(context, container, await container.runtime.resume(container.id));
  recordContainerEvents(context, container, [{action: 'unpause'}]);
  return container.id;
}

async function requireSuccess(
  context: ContainerContext,
  {id, runtime}: LiveContainer,
  failure: string | null,
): Promise<void> {
  if (failure === null) return;
  // It may have ended since it was looked for; then that is why.
  await requireLive(context, id);
  throw new WinchError('RUNTIME_FAILED', `${runtime.path}: ${failure}`, {kind: 'runtime'});
}
