import {defineCommand} from '../command.ts';
import {safeText} from '../render/safe-text.ts';

/** `winch untag` */
export const untagCommand = defineCommand({
  name: 'untag',
  summary: 'Take names away from images; the images stay',
  description: 'All of the names are removed, or none. winch tag --undo NAME brings one back.',
  positionals: {usage: 'NAME...', minimum: 1, images: Number.POSITIVE_INFINITY},
  options: {},
  examples: [['winch untag registry.example/base:today', 'The image stays under its other names']],
  handle: async ({positionals}, context) => {
    const toolkit = await context.openToolkit();
    for (const reference of await toolkit.images.untag(positionals)) context.print(`Untagged: ${safeText(reference)}`);
    return 0;
  },
});
