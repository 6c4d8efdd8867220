import {defineCommand} from '../command.ts';
import {eachContainer} from '../each-container.ts';
import {CONTAINERS} from '../options/containers.ts';

/** `winch unpause` */
export const unpauseCommand = defineCommand({
  name: 'unpause',
  summary: 'Let paused containers go on',
  positionals: CONTAINERS,
  options: {},
  examples: [['winch unpause $(winch ps -q --filter status=paused)', 'All of them']],
  handle: async ({positionals}, context) => {
    const {containers} = await context.openToolkit();
    await eachContainer(positionals, context, (container) => containers.unpause(container));
    return 0;
  },
});
