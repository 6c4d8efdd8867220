import {flag, type OptionValues} from '../arguments/option-table.ts';
import {flagsConflict} from '../arguments/usage-error.ts';
import {defineCommand} from '../command.ts';
import {FORMAT_FLAG} from '../options/image.ts';
import {parseRegistryFlags, REGISTRY_FLAGS} from '../options/registry.ts';
import {IMAGE_PLATFORM_FLAG} from '../options/remote.ts';
import {inOnePiece, writeResult} from '../output-file.ts';
import {formatValue} from '../render/format.ts';
import {renderRemoteImage} from '../render/remote-image.ts';
import {safeJson} from '../render/safe-text.ts';

const SHOWN_FLAGS = {
  'all-platforms': flag('Every platform; costs two requests for each'),
  tags: flag('List the tags of the repository as well'),
  raw: flag('Print the manifest or index (with --config the config) byte for byte'),
  config: flag('Print the config as JSON'),
};

/** `winch remote inspect` */
export const remoteInspectCommand = defineCommand({
  name: 'remote inspect',
  summary: 'Show an image at its registry, with the size of each layer',
  description: 'Downloads no layer, and lists tags only with --tags. Sizes are those of the download.',
  positionals: {usage: 'IMAGE', minimum: 1, maximum: 1},
  options: {...IMAGE_PLATFORM_FLAG, ...SHOWN_FLAGS, ...FORMAT_FLAG, ...REGISTRY_FLAGS},
  examples: [
    ['winch remote inspect alpine', 'For this machine, for reading'],
    ['winch remote inspect --all-platforms -f json node:22', 'Everything, for programs'],
    ['winch remote inspect --raw alpine', 'As skopeo inspect --raw'],
    ["winch remote inspect -f '{{.digest}}' alpine", 'By template'],
  ],
  handle: async ({values, positionals: [reference = '']}, context) => {
    checkFlags(values);
    const {platform, raw, config, format} = values;
    const toolkit = await context.openToolkit({references: [reference], registry: parseRegistryFlags(values)});
    const {registries} = toolkit;
    const options = {platform, signal: context.signal, onEvent: context.onEvent};
    if (raw || config) {
      const {bytes} = await (config ? registries.getConfig : registries.getManifest)(reference, options);
      if (raw) await writeResult(context, undefined, inOnePiece(bytes));
      else context.print(safeJson(JSON.parse(Buffer.from(bytes).toString()), 2));
      return 0;
    }
    const [allPlatforms, withTags] = [values['all-platforms'], values.tags];
    const image = await registries.inspect(reference, {...options, allPlatforms, withTags});
    context.print(format === undefined ? renderRemoteImage(image, new Date()) : formatValue(image, format));
    return 0;
  },
});

function checkFlags(values: OptionValues<typeof SHOWN_FLAGS & typeof IMAGE_PLATFORM_FLAG & typeof FORMAT_FLAG>): void {
  if (values['all-platforms'] && values.platform !== undefined) {
    throw flagsConflict('--platform and --all-platforms exclude one another', 'give one of them');
  }
  const isRaw = values.raw || values.config;
  if (isRaw && (values.format !== undefined || values['all-platforms'] || values.tags)) {
    throw flagsConflict('--raw and --config print one document', 'leave out --format, --all-platforms and --tags');
  }
}
