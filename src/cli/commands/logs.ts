import {flag, text} from '../arguments/option-table.ts';
import {defineCommand} from '../command.ts';
import {parseMoment} from '../options/moment.ts';
import {parseInteger} from '../options/number.ts';

/** `winch logs` */
export const logsCommand = defineCommand({
  name: 'logs',
  summary: 'Print what a container has written to its standard output and error',
  description:
    'TIME is as 2026-01-31T12:00:00Z, seconds since 1970, or a stretch of time before now (90s, 10m, 1h30m).',
  positionals: {usage: 'CONTAINER', minimum: 1, maximum: 1, areContainers: true},
  options: {
    follow: flag('Go on until the container ends', {short: 'f'}),
    tail: text('LINES', 'Only so many lines from the end', {short: 'n', defaultsTo: 'all'}),
    since: text('TIME', 'Only what was written from then on'),
    until: text('TIME', 'Only what was written before'),
    timestamps: flag('Begin each line with its time', {short: 't'}),
  },
  examples: [
    ['winch logs -f --tail 20 web', 'The last lines, and what follows'],
    ['winch logs --since 10m web 2>/dev/null', 'Its standard output of the last ten minutes'],
  ],
  handle: async ({values, positionals: [container = '']}, context) => {
    const {follow, tail = 'all', since, until, timestamps} = values;
    const now = new Date();
    const options = {
      follow,
      timestamps,
      tail: tail === 'all' ? undefined : parseInteger('--tail', tail, {minimum: 0}),
      since: since === undefined ? undefined : parseMoment('--since', since, now),
      until: until === undefined ? undefined : parseMoment('--until', until, now),
    };
    const {containers} = await context.openToolkit();
    for await (const {stream, bytes} of containers.logs(container, {...options, signal: context.signal})) {
      if (!context.passOn(stream, bytes)) break;
    }
    return 0;
  },
});
