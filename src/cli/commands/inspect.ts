import {flag} from '../arguments/option-table.ts';
import {flagsConflict} from '../arguments/usage-error.ts';
import {defineCommand} from '../command.ts';
import {FORMAT_FLAG, PLATFORM_FLAG} from '../options/image.ts';
import {toDockerInspect} from '../render/docker-inspect.ts';
import {formatValue} from '../render/format.ts';
import {safeJson} from '../render/safe-text.ts';

/** `winch inspect` */
export const inspectCommand = defineCommand({
  name: 'inspect',
  summary: 'Show everything about images as JSON',
  description: 'An array with the fields of docker inspect, and with the layers, the parent and the children.',
  positionals: {usage: 'IMAGE...', minimum: 1, images: Number.POSITIVE_INFINITY},
  options: {
    ...FORMAT_FLAG,
    ...PLATFORM_FLAG,
    config: flag("Print the image's configuration as it was pushed"),
    manifest: flag("Print the image's manifest as it was pushed"),
  },
  examples: [
    ['winch inspect alpine', 'Everything'],
    ["winch inspect -f '{{.Architecture}} {{json .Config.Env}}' alpine", 'Some fields'],
    ['winch inspect --config alpine', 'As skopeo inspect --config'],
  ],
  handle: async ({values, positionals}, context) => {
    const {format, config, manifest, platform} = values;
    if ([format, config, manifest].filter(Boolean).length > 1) {
      throw flagsConflict('--format, --config and --manifest exclude one another', 'give one of them');
    }
    const toolkit = await context.openToolkit();
    const images = [];
    for (const reference of positionals) images.push(await toolkit.images.inspect(reference, {platform}));
    if (config || manifest) {
      for (const image of images) context.print(safeJson(config ? image.config : image.manifest, 2));
    } else if (format !== undefined && format !== 'json') {
      for (const image of images) context.print(formatValue(toDockerInspect(image), format));
    } else {
      context.print(safeJson(images.map(toDockerInspect), 2));
    }
    return 0;
  },
});
