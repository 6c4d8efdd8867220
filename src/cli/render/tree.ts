import type {ImageTreeNode} from '../../images/tree.ts';
import {humanBytes, shortDigest} from './human.ts';
import {safeText} from './safe-text.ts';
import {renderTable} from './table.ts';

const HEADING = ['IMAGE', 'ID', 'PLATFORM', 'LAYERS', 'SHARED', 'UNIQUE'];

/** Draws the forest with one image a line. */
export const renderTree = (roots: readonly ImageTreeNode[]): string =>
  renderTable(
    HEADING,
    roots.flatMap((root) => drawNode(root, {own: '', below: ''})),
  );

interface Lead {
  /** What the node's own line starts with, and what its descendants' lines start with. */
  readonly own: string;
  readonly below: string;
}

function drawNode(node: ImageTreeNode, lead: Lead): readonly (readonly string[])[] {
  const {image, platform, layerCount, sharedBytes, uniqueBytes, children} = node;
  const name = image.references.length > 0 ? image.references.map(safeText).join(', ') : '<none>';
  const line = [
    `${lead.own}${name}`,
    shortDigest(image.imageId),
    safeText(platform),
    String(layerCount),
    humanBytes(sharedBytes),
    humanBytes(uniqueBytes),
  ];
  const below = children.flatMap((child, index) => {
    const isLast = index === children.length - 1;
    return drawNode(child, {
      own: `${lead.below}${isLast ? '└─ ' : '├─ '}`,
      below: `${lead.below}${isLast ? '   ' : '│  '}`,
    });
  });
  return [line, ...below];
}
