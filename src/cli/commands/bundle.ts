import {resolve} from 'node:path';
import {definedMembers} from '../../oci/defined-members.ts';
import {defineCommand} from '../command.ts';
import {CONTAINER_FLAGS, parseContainer} from '../options/container.ts';
import {IMAGE_FLAGS} from '../options/image.ts';
import {parseRegistryFlags, REGISTRY_FLAGS} from '../options/registry.ts';
import {safeText} from '../render/safe-text.ts';

/** `winch bundle` */
export const bundleCommand = defineCommand({
  name: 'bundle',
  summary: 'Write an OCI runtime bundle: config.json and rootfs/',
  description: 'DIR is made, or must be empty. Prints its path. What follows DIR replaces the command of the image.',
  positionals: {usage: 'IMAGE DIR [COMMAND] [ARGUMENT...]', minimum: 2, images: 1},
  options: {...CONTAINER_FLAGS, ...IMAGE_FLAGS, ...REGISTRY_FLAGS},
  stopsAtPositional: true,
  examples: [
    ['winch bundle alpine ./alpine', 'A bundle for any OCI runtime'],
    ['runc run --bundle ./alpine name', '… and how to run it'],
    ['winch bundle -e A=b --memory 64m alpine ./small sleep 5', 'With the flags of winch run'],
  ],
  handle: async ({values, positionals}, context) => {
    const [image = '', directory = '', ...command] = positionals;
    const container = parseContainer(values, command, context.environment);
    const toolkit = await context.openToolkit({references: [image], registry: parseRegistryFlags(values)});
    const report = await toolkit.images.bundle(image, resolve(context.environment.workingDirectory(), directory), {
      ...definedMembers({platform: values.platform}),
      policy: values.pull ?? 'missing',
      container,
      signal: context.signal,
      onEvent: context.onEvent,
    });
    context.print(safeText(report.directory));
    return 0;
  },
});
