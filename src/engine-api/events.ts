import type {StoreEvent} from '../store/store-event.ts';
import {filtersOf, type Handler} from './api-request.ts';
import {momentOf} from './moment.ts';

/** What happens, as it happens; the head of the reply is sent at once, since nothing may happen for long. */
export const followEvents: Handler = ({toolkit}, {query, signal}) => {
  const [since, until] = [momentOf(query.get('since')), momentOf(query.get('until'))];
  const events = toolkit.events({since, until, filters: filtersOf(query), signal});
  return {type: 'bytes', contentType: 'application/json', content: linesOf(events)};
};

async function* linesOf(events: AsyncIterable<StoreEvent>): AsyncGenerator<Uint8Array> {
  for await (const event of events) yield Buffer.from(`${JSON.stringify(withOldNames(event))}\n`);
}

/** Clients of the first versions go by these. */
function withOldNames(event: StoreEvent) {
  const {Type, Action, Actor} = event;
  if (Type !== 'container' && Type !== 'image') return event;
  const {image} = Actor.Attributes;
  return {status: Action, id: Actor.ID, ...(Type === 'container' && image !== undefined && {from: image}), ...event};
}
