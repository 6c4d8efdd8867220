import type {DiskUsage} from '../../images/disk-usage.ts';
import {flag} from '../arguments/option-table.ts';
import {defineCommand} from '../command.ts';
import {FORMAT_FLAG} from '../options/image.ts';
import {renderDiskUsage} from '../render/disk-usage.ts';
import {humanBytes} from '../render/human.ts';

/** `winch df` */
export const dfCommand = defineCommand({
  name: 'df',
  summary: 'Show what takes the space of the store',
  description:
    'Images are made of layers, unpacked, and blobs, as received. SHARED is what several images need, UNIQUE what one ' +
    'needs, RECLAIMABLE what winch prune --partials frees, and of volumes winch volume prune --all. The total is what du --apparent-size says of the store.',
  positionals: {usage: '', minimum: 0, maximum: 0},
  options: {
    ...FORMAT_FLAG,
    verbose: flag('Show each image as well', {short: 'v'}),
  },
  examples: [
    ['winch df', 'A table'],
    ['winch df -v', 'With the images'],
    ["winch df --format '{{.Type}} {{.Reclaimable}}'", 'By template; json prints everything in bytes'],
  ],
  handle: async ({values}, context) => {
    await context.becomeRootOfStore();
    const toolkit = await context.openToolkit();
    const usage = await toolkit.images.usage();
    context.print(
      renderDiskUsage(usage, {format: values.format, isDetailed: values.verbose ?? false, now: new Date()}),
    );
    if (values.format === undefined && usage.droppableBytes > 0) context.remark(tellDroppable(usage));
    return 0;
  },
});

const tellDroppable = ({droppableBytes}: DiskUsage): string =>
  `winch prune --blobs frees ${humanBytes(droppableBytes)} more: compressed copies of layers that are unpacked`;
