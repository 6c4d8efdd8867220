import {WinchError} from '../../errors.ts';
import type {ContainerContext} from '../context.ts';
import {recordContainerEvents} from '../record-events.ts';
import {nameOf} from './find-container.ts';
import {type LiveContainer, requireLive, requireUnpaused} from './find-live.ts';
import {requireOwnCgroup} from './own-cgroup.ts';

const FREEZE_ATTEMPTS = 20;
/** Runc, of a version 1 cgroup whose processes have not all stopped within milliseconds, as on a machine with much to do. */
const NOT_FROZEN = 'unable to freeze';

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
  await requireSuccess(context, container, await pause(container));
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

/** It is tried again after that has failed, which leaves the container as it was. */
async function pause({id, runtime}: LiveContainer): Promise<string | null> {
  for (let attempt = 1; ; attempt += 1) {
    const failure = await runtime.pause(id);
    if (failure === null || attempt === FREEZE_ATTEMPTS || !failure.includes(NOT_FROZEN)) return failure;
  }
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
