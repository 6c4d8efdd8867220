import {flag} from '../arguments/option-table.ts';
import {defineCommand} from '../command.ts';
import {eachContainer} from '../each-container.ts';
import {CONTAINERS} from '../options/containers.ts';

/** `winch rm` */
export const rmCommand = defineCommand({
  name: 'rm',
  summary: 'Remove containers with all that they have written',
  positionals: CONTAINERS,
  options: {
    force: flag('Kill those that run', {short: 'f'}),
    volumes: flag('Remove with each the volumes that were made for it without a name', {short: 'v'}),
  },
  examples: [
    ['winch rm web', 'One that has ended'],
    ['winch rm -f $(winch ps -aq)', 'All of them'],
  ],
  handle: async ({values, positionals}, context) => {
    const {containers} = await context.openToolkit();
    const {signal, onEvent} = context;
    const options = {force: values.force, removesVolumes: values.volumes, signal, onEvent};
    await eachContainer(positionals, context, (container) => containers.remove(container, options));
    return 0;
  },
});
