import type {ImageTreeNode} from '../../images/tree.ts';
import {humanBytes, shortDigest} from './human.ts';
import {safeText} from './safe-text.ts';

/**
 * The forest as a graph for Graphviz (`dot -Tsvg`).
 *
 * @see graphviz.org/doc/info/lang.html, and attribute type escString: a label also knows escapes and entities.
 */
export function renderDot(roots: readonly ImageTreeNode[]): string {
  const nodes = numberNodes(roots);
  return [
    'digraph winch {',
    '  node [shape=box];',
    ...nodes.map(({id, node}) => `  ${id} [label="${labelLines(node).map(escapeForDot).join('\\n')}"];`),
    ...nodes.filter(({parent}) => parent !== null).map(({id, parent}) => `  ${parent} -> ${id};`),
    '}',
  ].join('\n');
}

/**
 * The forest as a flowchart for Mermaid, as Markdown pages show it.
 *
 * @see mermaid.js.org/syntax/flowchart.html#entity-codes-to-escape-characters
 */
export function renderMermaid(roots: readonly ImageTreeNode[]): string {
  const nodes = numberNodes(roots);
  return [
    'flowchart TD',
    ...nodes.map(({id, node}) => `  ${id}["${labelLines(node).map(escapeForMermaid).join('<br/>')}"]`),
    ...nodes.filter(({parent}) => parent !== null).map(({id, parent}) => `  ${parent} --> ${id}`),
  ].join('\n');
}

interface NumberedNode {
  readonly id: string;
  readonly parent: string | null;
  readonly node: ImageTreeNode;
}

/** Parents come before their children. Several images may have one id, so a node goes by its place. */
function numberNodes(roots: readonly ImageTreeNode[]): readonly NumberedNode[] {
  const numbered: NumberedNode[] = [];
  const add = (node: ImageTreeNode, parent: string | null) => {
    const id = `image${numbered.length + 1}`;
    numbered.push({id, parent, node});
    for (const child of node.children) add(child, id);
  };
  for (const root of roots) add(root, null);
  return numbered;
}

function labelLines({image, platform, layerCount, uniqueBytes}: ImageTreeNode): readonly string[] {
  const names = image.references.length > 0 ? image.references : ['<none>'];
  const layers = `${layerCount} ${layerCount === 1 ? 'layer' : 'layers'}`;
  return [...names, `${shortDigest(image.imageId)} ${platform}`, `${layers}, ${humanBytes(uniqueBytes)} unique`];
}

const escapeForDot = (text: string): string => safeText(text).replaceAll('&', '&amp;').replace(/["\\]/g, '\\$&');

const MERMAID_ESCAPED = /[#"&<>`\\]/g;

const escapeForMermaid = (text: string): string =>
  safeText(text).replace(MERMAID_ESCAPED, (character) => `#${character.charCodeAt(0)};`);
