import {defineCommand} from '../command.ts';
import {parseRegistryFlags, REGISTRY_FLAGS} from '../options/registry.ts';
import {OUTPUT_FLAG, REMOTE_PLATFORM_FLAG} from '../options/remote.ts';
import {inOnePiece, writeResult} from '../output-file.ts';

/** `winch manifest get` */
export const manifestGetCommand = defineCommand({
  name: 'manifest get',
  summary: 'Print a manifest or index as its registry holds it',
  description: 'Byte for byte, so that its sha256 is its digest.',
  positionals: {usage: 'IMAGE', minimum: 1, maximum: 1},
  options: {...REMOTE_PLATFORM_FLAG, ...OUTPUT_FLAG, ...REGISTRY_FLAGS},
  examples: [
    ['winch manifest get alpine', 'The index'],
    ['winch manifest get --platform linux/arm64 -o manifest.json alpine', 'The manifest for a platform, to a file'],
  ],
  handle: async ({values, positionals: [reference = '']}, context) => {
    const toolkit = await context.openToolkit({references: [reference], registry: parseRegistryFlags(values)});
    const {signal, onEvent} = context;
    const options = {platform: values.platform, signal, onEvent};
    const {bytes} = await toolkit.registries.getManifest(reference, options);
    await writeResult(context, values.output, inOnePiece(bytes));
    return 0;
  },
});
