import {defineCommand} from '../command.ts';

/** `winch rename` */
export const renameCommand = defineCommand({
  name: 'rename',
  summary: 'Give a container another name',
  description: 'It may run meanwhile.',
  positionals: {usage: 'CONTAINER NAME', minimum: 2, maximum: 2, areContainers: true, maximumContainers: 1},
  options: {},
  examples: [['winch rename web web-old', 'To make room for its successor']],
  handle: async ({positionals: [container = '', name = '']}, context) => {
    const {containers} = await context.openToolkit();
    await containers.rename(container, name, {signal: context.signal});
    return 0;
  },
});
