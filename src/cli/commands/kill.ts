import {text} from '../arguments/option-table.ts';
import {defineCommand} from '../command.ts';
import {eachContainer} from '../each-container.ts';
import {CONTAINERS} from '../options/containers.ts';

/** `winch kill` */
export const killCommand = defineCommand({
  name: 'kill',
  summary: 'Send a signal to the first process of running containers',
  positionals: CONTAINERS,
  options: {signal: text('SIGNAL', 'A name or a number', {short: 's', defaultsTo: 'KILL'})},
  examples: [['winch kill -s HUP web', 'For most servers: read the configuration again']],
  handle: async ({values, positionals}, context) => {
    const {containers} = await context.openToolkit();
    await eachContainer(positionals, context, (container) => containers.kill(container, values.signal));
    return 0;
  },
});
