import {choice} from '../arguments/option-table.ts';
import {defineCommand} from '../command.ts';
import {EXIT_NOT_FOUND} from '../exit-codes.ts';
import {safeJson} from '../render/safe-text.ts';
import {renderWhich} from '../render/which.ts';

/** `winch which` */
export const whichCommand = defineCommand({
  name: 'which',
  summary: 'Find the images that have a file or a digest, and the layer it came with',
  description:
    'A path starts with / and is looked up as a process in the image would. A digest is that of an index or another ' +
    'part of one (an attestation), a manifest, a config, a layer (as pushed or unpacked) or a chain of layers; its ' +
    'first digits will do. Ends with 4 when no image has it.',
  positionals: {usage: 'PATH|DIGEST', minimum: 1, maximum: 1},
  options: {format: choice(['json'], 'Print JSON', {short: 'f'})},
  examples: [
    ['winch which /usr/bin/curl', 'Images with curl, and the layer that brought it'],
    ['winch which sha256:4cb8d1e9a1f2', 'Images that use this blob'],
  ],
  handle: async ({values, positionals: [subject = '']}, context) => {
    const toolkit = await context.openToolkit();
    const {signal, onEvent} = context;
    const answer = await toolkit.images.which(subject, {signal, onEvent});
    const text = values.format === 'json' ? safeJson(answer, 2) : renderWhich(answer);
    if (text !== '') context.print(text);
    const {length} = answer.unsearched;
    if (length > 0) context.remark(`not searched, since not unpacked: ${length} ${length === 1 ? 'image' : 'images'}`);
    return answer.matches.length > 0 ? 0 : EXIT_NOT_FOUND;
  },
});
