import {list, text} from '../arguments/option-table.ts';
import {defineCommand} from '../command.ts';
import {parseEventFilters} from '../options/event-filter.ts';
import {parseMoment} from '../options/moment.ts';
import {createEventRenderer} from '../render/events.ts';

/** `winch events` */
export const eventsCommand = defineCommand({
  name: 'events',
  summary: 'Show what happens to containers, images, networks and volumes',
  description:
    'Until Ctrl-C, or until --until. What has happened is kept for some ten thousand events. ' +
    'TIME is as 2026-01-31T12:00:00Z, seconds since 1970, or a stretch of time before now (90s, 10m, 1h30m).',
  positionals: {usage: '', minimum: 0, maximum: 0},
  options: {
    since: text('TIME', 'What has happened from then on as well'),
    until: text('TIME', 'Nothing later'),
    filter: list('KEY=value', 'type, event, container, image, volume, network or label', {short: 'f'}),
    format: text('json|TEMPLATE', 'A line of JSON for each, or {{.Field}}'),
  },
  examples: [
    ['winch events', 'What happens from now on'],
    ['winch events --since 1h --until 0s', 'What has happened in the last hour'],
    ['winch events --filter type=container --filter event=die', 'Containers that end'],
    ["winch events --format '{{.Action}} {{.Actor.Attributes.name}}'", 'By template; json prints everything'],
  ],
  handle: async ({values}, context) => {
    const now = new Date();
    const {since, until, filter = [], format} = values;
    const options = {
      since: since === undefined ? undefined : parseMoment('--since', since, now),
      until: until === undefined ? undefined : parseMoment('--until', until, now),
      filters: parseEventFilters(filter),
    };
    const render = createEventRenderer(format);
    const toolkit = await context.openToolkit();
    for await (const event of toolkit.events({...options, signal: context.signal})) context.print(render(event));
    return 0;
  },
});
