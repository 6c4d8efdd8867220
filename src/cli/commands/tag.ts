import {defineCommand} from '../command.ts';

/** `winch tag` */
export const tagCommand = defineCommand({
  name: 'tag',
  summary: 'Give an image of the store another name',
  positionals: {usage: 'SOURCE TARGET', minimum: 2, maximum: 2, images: 1},
  options: {},
  examples: [['winch tag alpine:3.20 registry.example/base:today', 'Both names stand for the same image']],
  handle: async ({positionals: [source = '', target = '']}, context) => {
    const toolkit = await context.openToolkit();
    await toolkit.images.tag(source, target);
    return 0;
  },
});
