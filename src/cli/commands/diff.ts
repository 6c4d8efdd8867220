import {choice} from '../arguments/option-table.ts';
import {defineCommand} from '../command.ts';
import {PLATFORM_FLAG} from '../options/image.ts';
import {renderDiff, summarizeDiff} from '../render/diff.ts';
import {safeJson} from '../render/safe-text.ts';

/** `winch diff` */
export const diffCommand = defineCommand({
  name: 'diff',
  summary: 'Show the files and settings in which two images differ',
  description:
    'A is added, C changed, D removed. Times alone are no difference. Both images must be in the store; layers that ' +
    'they have in common are not compared.',
  positionals: {usage: 'IMAGE IMAGE', minimum: 2, maximum: 2, images: 2},
  options: {format: choice(['json'], 'Print JSON', {short: 'f'}), ...PLATFORM_FLAG},
  examples: [
    ['winch diff node:22.11 node:22.12', 'What the update brings'],
    ["winch diff --format json base app | jq '.files[].path'", 'Paths only'],
  ],
  handle: async ({values, positionals: [from = '', to = '']}, context) => {
    const toolkit = await context.openToolkit();
    const {signal, onEvent} = context;
    const diff = await toolkit.images.diff(from, to, {platform: values.platform, signal, onEvent});
    const text = values.format === 'json' ? safeJson(diff, 2) : renderDiff(diff);
    if (text !== '') context.print(text);
    context.remark(summarizeDiff(diff));
    return 0;
  },
});
