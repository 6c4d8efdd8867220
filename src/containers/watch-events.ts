import type {StoreEvent} from '../store/store-event.ts';
import {type WatchEventsOptions, watchEventLog} from '../store/watch-event-log.ts';
import type {ContainerContext} from './context.ts';
import {createEndTeller} from './kept/record-ends.ts';

/**
 * What has happened to images, containers, networks and volumes, as far back as that is kept, and what happens.
 *
 * What has happened comes in the order of its time, the rest as it is noted.
 *
 * @throws `signal.reason`
 */
export const watchEvents = (
  context: ContainerContext,
  options: WatchEventsOptions = {},
): AsyncGenerator<StoreEvent, void, void> =>
  watchEventLog(context.store.paths, options, {now: context.now, beforeLook: createEndTeller(context)});
