import {defineCommand} from '../command.ts';
import {eachContainer} from '../each-container.ts';
import {CONTAINERS} from '../options/containers.ts';

/** `winch wait` */
export const waitCommand = defineCommand({
  name: 'wait',
  summary: 'Wait until containers end, and print their exit codes',
  description: 'Prints 255 for a container whose end nobody saw, since the machine was restarted or conmon was killed.',
  positionals: CONTAINERS,
  options: {},
  examples: [['winch wait job', 'One code a line']],
  handle: async ({positionals}, context) => {
    const {containers} = await context.openToolkit();
    await eachContainer(positionals, context, (container) => containers.wait(container, {signal: context.signal}));
    return 0;
  },
});
