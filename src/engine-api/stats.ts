import {setTimeout as sleep} from 'node:timers/promises';
import type {ContainerCounters} from '../containers/kept/read-counters.ts';
import {toDockerStats, toEmptyStats} from '../docker-json/container-stats.ts';
import {isWinchError} from '../errors.ts';
import type {Toolkit} from '../toolkit.ts';
import {type ApiReply, type Handler, isSet} from './api-request.ts';
import {idOf} from './containers.ts';

const INTERVAL_MS = 1000;

/** What a container uses, every second, or once: then after a second in which it is seen how busy it is. */
export const readStats: Handler = async ({toolkit}, request): Promise<ApiReply> => {
  const {query, signal} = request;
  const {id, name} = await toolkit.containers.inspect(idOf(request), {signal});
  const isOnce = query.has('stream') && !isSet(query, 'stream');
  if (!isOnce) return {type: 'lines', values: follow(toolkit, {id, name}, signal)};
  const first = await read(toolkit, id);
  if (first === null) return {type: 'json', value: toEmptyStats({id, name})};
  if (isSet(query, 'one-shot')) return {type: 'json', value: toDockerStats(first, null)};
  await sleep(INTERVAL_MS, undefined, {signal});
  const second = await read(toolkit, id);
  return {type: 'json', value: second ? toDockerStats(second, first) : toEmptyStats({id, name})};
};

interface Named {
  readonly id: string;
  readonly name: string | null;
}

/** Until the container is removed; as long as it does not run it uses nothing. */
async function* follow(toolkit: Toolkit, container: Named, signal: AbortSignal): AsyncGenerator<unknown> {
  let before: ContainerCounters | null = null;
  try {
    for (;;) {
      const reading: ContainerCounters | null = await read(toolkit, container.id);
      yield reading ? toDockerStats(reading, before) : toEmptyStats(container);
      before = reading;
      await sleep(INTERVAL_MS, undefined, {signal});
    }
  } catch (error) {
    if (!isWinchError(error, 'CONTAINER_UNKNOWN')) throw error;
  }
}

/** Null: it does not run. */
async function read({containers}: Toolkit, id: string): Promise<ContainerCounters | null> {
  try {
    return await containers.counters(id);
  } catch (error) {
    if (isWinchError(error, 'CONTAINER_STOPPED')) return null;
    throw error;
  }
}
