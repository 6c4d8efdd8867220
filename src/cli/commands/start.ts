import {defineCommand} from '../command.ts';
import {eachContainer} from '../each-container.ts';
import {EXIT_RUN_FAILED} from '../exit-codes.ts';
import {CONTAINERS} from '../options/containers.ts';

/** `winch start` */
export const startCommand = defineCommand({
  name: 'start',
  summary: 'Start containers, which then run in the background',
  description: 'A container is named by its name, its id, or the first digits of its id.',
  positionals: CONTAINERS,
  options: {},
  failureExitCode: EXIT_RUN_FAILED,
  examples: [['winch start web db', 'Two of them']],
  handle: async ({positionals}, context) => {
    const {containers} = await context.openToolkit();
    const {signal, onEvent} = context;
    await eachContainer(positionals, context, (container) => containers.start(container, {signal, onEvent}));
    return 0;
  },
});
