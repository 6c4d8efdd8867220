import {definedMembers} from '../../oci/defined-members.ts';
import {flagsConflict} from '../arguments/usage-error.ts';
import {defineCommand} from '../command.ts';
import {IMAGE_PLATFORM_FLAG, OUTPUT_FLAG} from '../options/remote.ts';
import {writeResult} from '../output-file.ts';

/** `winch export` */
export const exportCommand = defineCommand({
  name: 'export',
  summary: 'Write the files of an image as one tar',
  description:
    'All layers merged, as a container would first see them. Owners, times, hard links and extended attributes stay. Equal layers give equal bytes.',
  positionals: {usage: 'IMAGE', minimum: 1, maximum: 1, images: 1},
  options: {...OUTPUT_FLAG, ...IMAGE_PLATFORM_FLAG},
  examples: [
    ['winch export -o rootfs.tar alpine', 'To a file'],
    ['winch export alpine | tar t', 'What it has'],
    ['winch export app:1 | winch import - flat:1', 'An image of one layer'],
  ],
  handle: async ({values: {output, platform}, positionals: [image = '']}, context) => {
    const {environment, signal, onEvent} = context;
    if ((output === undefined || output === '-') && environment.stdoutIsTerminal()) {
      throw flagsConflict('a tar is nothing for a terminal', 'name a file with --output, or pipe it on');
    }
    const {images} = await context.openToolkit();
    const files = await images.export(image, {...definedMembers({platform}), signal, onEvent});
    try {
      await writeResult(context, output, files.content);
    } finally {
      files.close();
    }
    return 0;
  },
});
