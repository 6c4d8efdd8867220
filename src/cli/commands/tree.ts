import {choice} from '../arguments/option-table.ts';
import {defineCommand} from '../command.ts';
import {safeJson} from '../render/safe-text.ts';
import {renderTree} from '../render/tree.ts';
import {renderDot, renderMermaid} from '../render/tree-graph.ts';

/** `winch tree` */
export const treeCommand = defineCommand({
  name: 'tree',
  summary: 'Draw which image descends from which: all of them, or the line of one',
  description:
    'An image is a child of the one whose layers it starts with. UNIQUE is what removing the image alone frees, SHARED ' +
    'what other images use as well. Of IMAGE the tree has what it is built on and what is built on it.',
  positionals: {usage: '[IMAGE]', minimum: 0, maximum: 1, images: 1},
  options: {format: choice(['json', 'dot', 'mermaid'], 'Print JSON, or a graph for Graphviz or Mermaid', {short: 'f'})},
  examples: [
    ['winch tree', 'All images of the store'],
    ['winch tree node:22', 'What it is built on, and what is built on it'],
    ['winch tree --format dot | dot -Tsvg -o images.svg', 'As a picture, drawn by Graphviz'],
    ['winch tree --format mermaid', 'For a Markdown page'],
  ],
  handle: async ({values, positionals: [image]}, context) => {
    const toolkit = await context.openToolkit();
    const roots = await toolkit.images.tree(image);
    if (values.format === 'json') context.print(safeJson(roots, 2));
    else if (values.format === 'dot') context.print(renderDot(roots));
    else if (values.format === 'mermaid') context.print(renderMermaid(roots));
    else if (roots.length > 0) context.print(renderTree(roots));
    return 0;
  },
});
