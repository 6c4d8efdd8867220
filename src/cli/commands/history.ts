import {flag} from '../arguments/option-table.ts';
import {defineCommand} from '../command.ts';
import {FORMAT_FLAG, NO_TRUNC_FLAG} from '../options/image.ts';
import {renderHistory} from '../render/history.ts';

/** `winch history` */
export const historyCommand = defineCommand({
  name: 'history',
  summary: 'Show the layers of an image and what made them, newest first',
  positionals: {usage: 'IMAGE', minimum: 1, maximum: 1, images: 1},
  options: {...FORMAT_FLAG, ...NO_TRUNC_FLAG, quiet: flag("Print the layers' digests only", {short: 'q'})},
  examples: [
    ['winch history node:22', 'A table'],
    ['winch history --no-trunc node:22', 'With whole commands'],
    ["winch history --format '{{.Size}} {{.CreatedBy}}' node:22", 'By template; json prints everything'],
  ],
  handle: async ({values, positionals}, context) => {
    const toolkit = await context.openToolkit();
    const text = renderHistory(await toolkit.images.history(positionals[0] ?? ''), {
      format: values.format,
      digestsOnly: values.quiet ?? false,
      isFull: values['no-trunc'] ?? false,
      now: new Date(),
    });
    if (text !== '') context.print(text);
    return 0;
  },
});
