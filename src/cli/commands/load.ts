import {resolve} from 'node:path';
import {definedMembers} from '../../oci/defined-members.ts';
import {flag, text} from '../arguments/option-table.ts';
import {flagsConflict} from '../arguments/usage-error.ts';
import {type CommandContext, defineCommand} from '../command.ts';
import {safeText} from '../render/safe-text.ts';

/** `winch load` */
export const loadCommand = defineCommand({
  name: 'load',
  summary: 'Store the images of an archive',
  description:
    'Reads an OCI archive or directory, or an archive of docker save, plain or packed by gzip, zstd, xz or bzip2. Prints the names; an image without one is told by its id. A name that has another image in the store is refused.',
  positionals: {usage: '', minimum: 0, maximum: 0},
  options: {
    input: text('FILE', 'The archive or directory', {short: 'i', defaultsTo: 'standard input'}),
    force: flag('Move names that have another image in the store', {short: 'f'}),
    platform: text('OS/ARCH[/VARIANT]', 'Only the image for this platform'),
  },
  examples: [
    ['winch load -i app.tar.gz', 'From a file'],
    ['docker save app:1 | winch load', 'From docker'],
    ['winch load -i layout', 'All images of an OCI layout'],
  ],
  handle: async ({values}, context) => {
    const {platform, force} = values;
    const {signal, onEvent} = context;
    const input = openInput(values.input, context);
    const {images} = await context.openToolkit();
    for (const {names, imageId} of await images.load(input, {...definedMembers({platform, force}), signal, onEvent})) {
      for (const name of names) context.print(`Loaded image: ${safeText(name)}`);
      if (names.length === 0) context.print(`Loaded image ID: ${imageId}`);
    }
    return 0;
  },
});

function openInput(input: string | undefined, {environment, signal}: CommandContext) {
  if (input !== undefined && input !== '-') return resolve(environment.workingDirectory(), input);
  if (!environment.stdinIsTerminal()) return environment.openStandardInput(signal);
  throw flagsConflict('standard input is a terminal and no archive', 'name a file with --input, or pipe one in');
}
