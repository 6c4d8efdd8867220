import {choice} from '../arguments/option-table.ts';
import {defineCommand} from '../command.ts';
import {safeJson} from '../render/safe-text.ts';
import {renderTree} from '../render/tree.ts';

/** `winch tree` */
export const treeCommand = defineCommand({
  name: 'tree',
  summary: 'Draw which image descends from which',
  description:
    'An image is a child of the one whose layers it starts with. UNIQUE is what removing the image alone frees, SHARED ' +
    'what other images use as well.',
  positionals: {usage: '', minimum: 0, maximum: 0},
  options: {format: choice(['json'], 'Print JSON', {short: 'f'})},
  examples: [['winch tree', 'All images of the store']],
  handle: async ({values}, context) => {
    const toolkit = await context.openToolkit();
    const roots = await toolkit.images.tree();
    if (values.format === 'json') context.print(safeJson(roots, 2));
    else if (roots.length > 0) context.print(renderTree(roots));
    return 0;
  },
});
