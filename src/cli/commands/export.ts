import {definedMembers} from '../../oci/defined-members.ts';
import {flagsConflict} from '../arguments/usage-error.ts';
import {becomeRootOfContainer} from '../become-root-for.ts';
import {defineCommand} from '../command.ts';
import {IMAGE_PLATFORM_FLAG, OUTPUT_FLAG} from '../options/remote.ts';
import {orOfImage} from '../or-of-image.ts';
import {writeResult} from '../output-file.ts';

/** `winch export` */
export const exportCommand = defineCommand({
  name: 'export',
  summary: 'Write the files of a container or an image as one tar',
  description:
    'Of a container (also of a run that goes on) its image and what it has written, without volumes; of an image all layers merged, as a container ' +
    'would first see them: equal layers give equal bytes. Owners, times, hard links and extended attributes stay. Of a ' +
    'container and an image of one name the container is meant.',
  positionals: {usage: 'CONTAINER|IMAGE', minimum: 1, maximum: 1, images: 1, areContainers: true},
  options: {...OUTPUT_FLAG, ...IMAGE_PLATFORM_FLAG},
  examples: [
    ['winch export -o rootfs.tar alpine', 'To a file'],
    ['winch export alpine | tar t', 'What it has'],
    ['winch export web | winch import - web:1', 'What a container has become, as an image'],
    ['winch export app:1 | winch import - flat:1', 'An image of one layer'],
  ],
  handle: async ({values: {output, platform}, positionals: [image = '']}, context) => {
    const {environment, signal, onEvent} = context;
    if ((output === undefined || output === '-') && environment.stdoutIsTerminal()) {
      throw flagsConflict('a tar is nothing for a terminal', 'name a file with --output, or pipe it on');
    }
    if (platform === undefined) await becomeRootOfContainer(image, context);
    const {containers, images} = await context.openToolkit();
    const files = await orOfImage(platform, {
      ofContainer: () => containers.export(image, {signal, onEvent}),
      ofImage: () => images.export(image, {...definedMembers({platform}), signal, onEvent}),
    });
    try {
      await writeResult(context, output, files.content);
    } finally {
      files.close();
    }
    return 0;
  },
});
