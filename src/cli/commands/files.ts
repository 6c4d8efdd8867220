import type {ImageFile} from '../../images/list-files.ts';
import {definedMembers} from '../../oci/defined-members.ts';
import {choice, flag, text} from '../arguments/option-table.ts';
import {type CommandContext, defineCommand} from '../command.ts';
import {PLATFORM_FLAG} from '../options/image.ts';
import {filesHeading, renderFile} from '../render/files.ts';
import {safeJson} from '../render/safe-text.ts';

/** One write for each line would take longer than to read them all. */
const BATCH_LINES = 2000;

/** `winch files` */
export const filesCommand = defineCommand({
  name: 'files',
  summary: 'List the files of an image, or of one of its layers',
  description:
    'All layers merged, as a container would first see them, each file with the layer that brought it. PATH is a file, ' +
    "a directory with all that is below it, or a pattern ('*.so', '/etc/**/*.conf'). A layer alone also has what it " +
    'removes (w).',
  positionals: {usage: 'IMAGE [PATH]', minimum: 1, maximum: 2, images: 1},
  options: {
    layer: text('N|DIGEST', 'One layer: by its number from 1, base first, or its digest'),
    digests: flag('Compute and show the SHA-256 of each file'),
    format: choice(['json'], 'Print a JSON array, one file a line', {short: 'f'}),
    quiet: flag('Print paths only', {short: 'q'}),
    ...PLATFORM_FLAG,
  },
  examples: [
    ['winch files alpine /etc', 'A directory with all that is below it'],
    ["winch files node:22 '*.node'", 'By name, anywhere'],
    ['winch files --layer 2 app:1', 'What the second layer adds and removes'],
    ['winch files --digests -f json app:1 | jq -r \'.[] | select(.type == "file") | .digest\'', 'Digests only'],
  ],
  handle: async ({values, positionals: [image = '', path]}, context) => {
    const {layer, digests: hasDigests, platform, format, quiet} = values;
    const toolkit = await context.openToolkit();
    const {signal, onEvent} = context;
    const options = definedMembers({layer, hasDigests, platform, path});
    const files = toolkit.images.files(image, {...options, signal, onEvent});
    if (format === 'json') await printJson(files, context);
    else await printLines(files, {pathsOnly: quiet ?? false, showDigests: hasDigests ?? false}, context);
    return 0;
  },
});

interface LinesView {
  readonly pathsOnly: boolean;
  readonly showDigests: boolean;
}

async function printLines(files: AsyncIterable<ImageFile>, view: LinesView, {print}: CommandContext): Promise<void> {
  const lines = view.pathsOnly ? [] : [filesHeading(view)];
  for await (const file of files) {
    lines.push(renderFile(file, view));
    if (lines.length >= BATCH_LINES) print(lines.splice(0).join('\n'));
  }
  if (lines.length > 0) print(lines.join('\n'));
}

/** One document, of which no part waits in memory for the others. */
async function printJson(files: AsyncIterable<ImageFile>, {print}: CommandContext): Promise<void> {
  const lines = ['['];
  let last: string | null = null;
  for await (const file of files) {
    if (last !== null) lines.push(`${last},`);
    last = safeJson(file);
    if (lines.length >= BATCH_LINES) print(lines.splice(0).join('\n'));
  }
  print([...lines, ...(last === null ? [] : [last]), ']'].join('\n'));
}
