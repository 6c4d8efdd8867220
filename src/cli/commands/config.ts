import {defineCommand} from '../command.ts';
import {parseRegistryFlags, REGISTRY_FLAGS} from '../options/registry.ts';
import {IMAGE_PLATFORM_FLAG, OUTPUT_FLAG} from '../options/remote.ts';
import {inOnePiece, writeResult} from '../output-file.ts';

/** `winch config` */
export const configCommand = defineCommand({
  name: 'config',
  summary: "Print an image's configuration as its registry holds it",
  description: 'Byte for byte, so that its sha256 is the id of the image. Of a stored image: winch inspect --config.',
  positionals: {usage: 'IMAGE', minimum: 1, maximum: 1},
  options: {...IMAGE_PLATFORM_FLAG, ...OUTPUT_FLAG, ...REGISTRY_FLAGS},
  examples: [
    ['winch config alpine', 'For this machine'],
    ['winch config --platform linux/arm64 alpine | jq .config.Cmd', 'For another platform'],
  ],
  handle: async ({values, positionals: [reference = '']}, context) => {
    const toolkit = await context.openToolkit({references: [reference], registry: parseRegistryFlags(values)});
    const {signal, onEvent} = context;
    const {bytes} = await toolkit.registries.getConfig(reference, {platform: values.platform, signal, onEvent});
    await writeResult(context, values.output, inOnePiece(bytes));
    return 0;
  },
});
