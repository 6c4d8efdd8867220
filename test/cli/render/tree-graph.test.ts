import * as assert from 'uvu/assert';
import {renderDot, renderMermaid} from '../../../src/cli/render/tree-graph.ts';
import type {ImageTreeNode} from '../../../src/images/tree.ts';
import {describe} from '../../helpers/suite.ts';
import {runWinch} from '../run-winch.ts';
import {DIGESTS} from '../samples.ts';

const node = (names: readonly string[], children: readonly ImageTreeNode[] = []): ImageTreeNode => ({
  image: {imageId: DIGESTS.config, references: names},
  platform: 'linux/amd64',
  layerCount: children.length + 1,
  sharedBytes: 1000,
  uniqueBytes: 2_000_000,
  children,
});

describe('cli/render/tree-graph', ({test}) => {
  const forest = [node(['a:1', 'a:2'], [node(['b:1'], [node([])])]), node(['c:1'])];

  test('draws a digraph whose edges lead from parent to child', () => {
    assert.equal(renderDot(forest).split('\n'), [
      'digraph winch {',
      '  node [shape=box];',
      '  image1 [label="a:1\\na:2\\n333333333333 linux/amd64\\n2 layers, 2MB unique"];',
      '  image2 [label="b:1\\n333333333333 linux/amd64\\n2 layers, 2MB unique"];',
      '  image3 [label="<none>\\n333333333333 linux/amd64\\n1 layer, 2MB unique"];',
      '  image4 [label="c:1\\n333333333333 linux/amd64\\n1 layer, 2MB unique"];',
      '  image1 -> image2;',
      '  image2 -> image3;',
      '}',
    ]);
  });

  test('draws a flowchart', () => {
    const lines = renderMermaid(forest).split('\n');
    assert.is(lines[0], 'flowchart TD');
    assert.is(lines[1], '  image1["a:1<br/>a:2<br/>333333333333 linux/amd64<br/>2 layers, 2MB unique"]');
    assert.is(lines[3], '  image3["#60;none#62;<br/>333333333333 linux/amd64<br/>1 layer, 2MB unique"]');
    assert.equal(lines.slice(5), ['  image1 --> image2', '  image2 --> image3']);
  });

  test('a name cannot end its label or say more than a name', () => {
    const hostile = [node(['x"];y\\N&lt;`<b>#35;\n\x1b'])];
    assert.match(renderDot(hostile), 'label="x\\"];y\\\\N&amp;lt;`<b>#35;\\\\x0a\\\\x1b\\n3333');
    assert.match(renderMermaid(hostile), '["x#34;];y#92;N#38;lt;#96;#60;b#62;#35;35;#92;x0a#92;x1b<br/>3333');
  });

  test('the command prints what is asked for, and a whole graph of no images', async () => {
    const print = async (roots: readonly ImageTreeNode[], format: string) =>
      (await runWinch(['tree', '--format', format], {images: {tree: async () => roots}})).stdout;
    assert.is(await print(forest, 'dot'), `${renderDot(forest)}\n`);
    assert.is(await print(forest, 'mermaid'), `${renderMermaid(forest)}\n`);
    assert.is(await print([], 'dot'), 'digraph winch {\n  node [shape=box];\n}\n');
    assert.is(await print([], 'mermaid'), 'flowchart TD\n');
  });
});
