import {choice} from '../arguments/option-table.ts';
import {becomeRootOfContainer} from '../become-root-for.ts';
import {type CommandContext, defineCommand} from '../command.ts';
import {PLATFORM_FLAG} from '../options/image.ts';
import {renderDiff, summarizeDiff} from '../render/diff.ts';
import {safeJson, safeText} from '../render/safe-text.ts';

/** `winch diff` */
export const diffCommand = defineCommand({
  name: 'diff',
  summary: 'Show the files that a container has changed, or in which two images differ',
  description:
    'A is added, C changed, D removed; of a run in the foreground as long as it goes on. Of two images their settings are compared as well; times alone are no difference. ' +
    'Both must be in the store; layers that they have in common are not compared.',
  positionals: {
    usage: 'CONTAINER | IMAGE IMAGE',
    minimum: 1,
    maximum: 2,
    images: 2,
    areContainers: true,
    maximumContainers: 1,
  },
  options: {format: choice(['json'], 'Print JSON', {short: 'f'}), ...PLATFORM_FLAG},
  examples: [
    ['winch diff web', 'What a container has written'],
    ['winch diff node:22.11 node:22.12', 'What the update brings'],
    ["winch diff --format json base app | jq '.files[].path'", 'Paths only'],
  ],
  handle: async ({values, positionals: [from = '', to]}, context) => {
    if (to === undefined) return await diffContainer(from, values.format, context);
    const toolkit = await context.openToolkit();
    const {signal, onEvent} = context;
    const diff = await toolkit.images.diff(from, to, {platform: values.platform, signal, onEvent});
    const text = values.format === 'json' ? safeJson(diff, 2) : renderDiff(diff);
    if (text !== '') context.print(text);
    context.remark(summarizeDiff(diff));
    return 0;
  },
});

async function diffContainer(container: string, format: 'json' | undefined, context: CommandContext): Promise<number> {
  await becomeRootOfContainer(container, context);
  const {containers} = await context.openToolkit();
  const changes = await containers.diff(container, {signal: context.signal, onEvent: context.onEvent});
  if (format === 'json') context.print(safeJson(changes, 2));
  else for (const {kind, path} of changes) context.print(`${kind} ${safeText(path)}`);
  return 0;
}
