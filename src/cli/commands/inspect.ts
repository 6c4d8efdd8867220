import {toDockerContainer} from '../../docker-json/container.ts';
import {toDockerImage} from '../../docker-json/image.ts';
import {isWinchError, WinchError} from '../../errors.ts';
import type {Toolkit} from '../../toolkit.ts';
import {choice, flag, type OptionValues} from '../arguments/option-table.ts';
import {flagsConflict, quote} from '../arguments/usage-error.ts';
import {type CommandContext, defineCommand} from '../command.ts';
import {FORMAT_FLAG, PLATFORM_FLAG} from '../options/image.ts';
import {mayBeImage} from '../or-of-image.ts';
import {formatValue} from '../render/format.ts';
import {safeJson} from '../render/safe-text.ts';

const OPTIONS = {
  ...FORMAT_FLAG,
  type: choice(['container', 'image'], 'Look for these alone; else for containers, then for images'),
  size: flag('Measure what a container has written (SizeRw)', {short: 's'}),
  ...PLATFORM_FLAG,
  config: flag("Print the image's configuration as it was pushed"),
  manifest: flag("Print the image's manifest as it was pushed"),
};

type Values = OptionValues<typeof OPTIONS>;

/** `winch inspect` */
export const inspectCommand = defineCommand({
  name: 'inspect',
  summary: 'Show everything about containers and images as JSON',
  description:
    'An array with the fields of docker inspect; of images with the layers, the parent and the children as well.',
  positionals: {usage: 'NAME...', minimum: 1, images: Number.POSITIVE_INFINITY, areContainers: true},
  options: OPTIONS,
  examples: [
    ['winch inspect alpine', 'Everything'],
    ["winch inspect -f '{{.Architecture}} {{json .Config.Env}}' alpine", 'Some fields'],
    ["winch inspect -f '{{.State.Status}} {{.State.ExitCode}}' web", 'How a container is'],
    ['winch inspect --config alpine', 'As skopeo inspect --config'],
  ],
  handle: async ({values, positionals}, context) => {
    const {format, config, manifest} = values;
    if ([format, config, manifest].filter(Boolean).length > 1) {
      throw flagsConflict('--format, --config and --manifest exclude one another', 'give one of them');
    }
    if (values.size) await context.becomeRootOfStore();
    const toolkit = await context.openToolkit();
    if (config || manifest) return await printDocuments(toolkit, positionals, {values, context});
    const found = [];
    for (const name of positionals) found.push(await inspect(toolkit, name, values));
    if (format === undefined || format === 'json') context.print(safeJson(found, 2));
    else for (const value of found) context.print(formatValue(value, format));
    return 0;
  },
});

async function inspect(toolkit: Toolkit, name: string, {type, platform, size}: Values): Promise<unknown> {
  if (type !== 'image') {
    try {
      return toDockerContainer(await toolkit.containers.inspect(name, {size}));
    } catch (error) {
      if (type === 'container' || !mayBeImage(error)) throw error;
    }
  }
  try {
    return toDockerImage(await toolkit.images.inspect(name, {platform}));
  } catch (error) {
    if (type === 'image' || !isWinchError(error, 'IMAGE_UNKNOWN')) throw error;
    throw new WinchError('NAME_UNKNOWN', `there is neither a container nor an image ${quote(name)}`, {
      kind: 'not-found',
      hint: 'winch ps -a and winch images list those that there are',
    });
  }
}

interface Printing {
  readonly values: Values;
  readonly context: CommandContext;
}

async function printDocuments(toolkit: Toolkit, names: readonly string[], {values, context}: Printing): Promise<0> {
  const {config, platform} = values;
  for (const name of names) {
    const image = await toolkit.images.inspect(name, {platform});
    context.print(safeJson(config ? image.config : image.manifest, 2));
  }
  return 0;
}
