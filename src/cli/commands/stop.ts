import {text} from '../arguments/option-table.ts';
import {defineCommand} from '../command.ts';
import {eachContainer} from '../each-container.ts';
import {CONTAINERS} from '../options/containers.ts';
import {parseInteger} from '../options/number.ts';

const RANGE = {minimum: -1, maximum: 10 * 86_400};

/** `winch stop` */
export const stopCommand = defineCommand({
  name: 'stop',
  summary: 'Ask containers to end, and kill those that do not',
  description: 'Sends the stop signal of the container or its image, and SIGKILL when the time is over.',
  positionals: CONTAINERS,
  options: {
    time: text('SECONDS', 'How long to wait before killing; -1: for ever', {
      short: 't',
      aliases: ['timeout'],
      defaultsTo: '10',
    }),
  },
  examples: [['winch stop -t 30 web db', 'With half a minute for both']],
  handle: async ({values, positionals}, context) => {
    const timeoutSeconds = values.time === undefined ? undefined : parseInteger('--time', values.time, RANGE);
    const {containers} = await context.openToolkit();
    const options = {timeoutSeconds, signal: context.signal};
    await eachContainer(positionals, context, (container) => containers.stop(container, options));
    return 0;
  },
});
