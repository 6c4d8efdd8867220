import {selectImages} from '../../docker-json/select-images.ts';
import {flag, list} from '../arguments/option-table.ts';
import {defineCommand} from '../command.ts';
import {FORMAT_FLAG, NO_TRUNC_FLAG} from '../options/image.ts';
import {parseKeyFilters} from '../options/key-filter.ts';
import {renderImages} from '../render/images.ts';

/** `winch images` */
export const imagesCommand = defineCommand({
  name: 'images',
  summary: 'List the images in the store (also: winch ls)',
  positionals: {usage: '[REPOSITORY[:TAG]]', minimum: 0, maximum: 1, images: 1},
  options: {
    all: flag('Show every platform that a tag was pulled for', {short: 'a'}),
    digests: flag('Show digests'),
    filter: list(
      'KEY=value',
      'reference=PATTERN, dangling=true, label=NAME[=value], before=IMAGE, since=IMAGE or until=TIME',
    ),
    ...FORMAT_FLAG,
    ...NO_TRUNC_FLAG,
    quiet: flag('Print ids only', {short: 'q'}),
  },
  examples: [
    ['winch images', 'A table'],
    ["winch images --filter reference='*/app:1.*'", 'Those whose name matches'],
    ["winch images --format '{{.Repository}}:{{.Tag}} {{.Size}}'", 'By template; json prints everything'],
    ['winch rmi $(winch images -q)', 'Remove all'],
  ],
  handle: async ({values, positionals}, context) => {
    const references = positionals.map((pattern) => `reference=${pattern}`);
    const filters = parseKeyFilters([...(values.filter ?? []), ...references]);
    const found = await selectImages(await context.openToolkit(), filters, {now: Date.now()});
    const images = found.filter(({isChosen}) => values.all || isChosen);
    const text = renderImages(images, {
      format: values.format,
      idsOnly: values.quiet ?? false,
      showDigests: values.digests ?? false,
      isFull: values['no-trunc'] ?? false,
      now: new Date(),
    });
    if (text !== '') context.print(text);
    return 0;
  },
});
