import {setTimeout as sleep} from 'node:timers/promises';
import {WinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import type {ContainerContext} from '../context.ts';
import {nameOf} from '../kept/find-container.ts';
import {type LiveContainer, requireLive} from '../kept/find-live.ts';
import {findRecord} from '../kept/record.ts';
import {unchecked} from './check-health.ts';
import {type ContainerHealth, readHealth} from './health-log.ts';
import {findHealthPlace} from './health-place.ts';
import {watchAgain} from './watch-kept.ts';

const POLL_MS = 50;

/**
 * Waits until a check of a running container has found that it does its work.
 *
 * @throws {WinchError} `CONTAINER_UNHEALTHY`: so many checks in a row have failed that it is given up; `CONTAINER_STOPPED` |
 * `HEALTHCHECK_MISSING` | `CONTAINER_UNKNOWN` | `CONTAINER_AMBIGUOUS`
 */
export async function waitUntilHealthy(
  context: ContainerContext,
  text: string,
  {signal}: CallOptions = {},
): Promise<void> {
  for (;;) {
    signal?.throwIfAborted();
    const container = await requireLive(context, text);
    const record = findRecord(context, container.id);
    if (record) watchAgain(context, record, container.pid);
    const place = findHealthPlace(context, container);
    if (place === null) throw unchecked(container);
    const health = readHealth(place.directory);
    if (health.status === 'healthy') return;
    if (health.status === 'unhealthy') throw unhealthy(container, health);
    await sleep(POLL_MS);
  }
}

function unhealthy(container: LiveContainer, {failingStreak, log}: ContainerHealth): WinchError {
  const last = log.at(-1);
  return new WinchError(
    'CONTAINER_UNHEALTHY',
    `container ${nameOf(container)} is unhealthy: ${failingStreak} checks in a row have failed`,
    {
      kind: 'runtime',
      hint: 'look at what it and its last checks have printed',
      details: {exitCode: last?.exitCode ?? 0, output: last?.output ?? ''},
    },
  );
}
