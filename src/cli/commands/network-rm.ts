import {defineCommand} from '../command.ts';
import {eachContainer} from '../each-container.ts';

/** `winch network rm` */
export const networkRmCommand = defineCommand({
  name: 'network rm',
  summary: 'Remove networks',
  description: 'A network stays as long as a container has it, running or not.',
  positionals: {usage: 'NETWORK...', minimum: 1},
  options: {},
  examples: [['winch network rm shop', 'One that no container has']],
  handle: async ({positionals}, context) => {
    const {networks} = await context.openToolkit();
    await eachContainer(positionals, context, (name) => networks.remove(name, {signal: context.signal}));
    return 0;
  },
});
