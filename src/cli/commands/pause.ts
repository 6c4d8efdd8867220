import {defineCommand} from '../command.ts';
import {eachContainer} from '../each-container.ts';
import {CONTAINERS} from '../options/containers.ts';

/** `winch pause` */
export const pauseCommand = defineCommand({
  name: 'pause',
  summary: 'Stop all processes of containers where they are',
  description: 'They take no processor time and notice nothing; winch unpause lets them go on.',
  positionals: CONTAINERS,
  options: {},
  examples: [['winch pause build', 'Until winch unpause build']],
  handle: async ({positionals}, context) => {
    const {containers} = await context.openToolkit();
    await eachContainer(positionals, context, (container) => containers.pause(container));
    return 0;
  },
});
