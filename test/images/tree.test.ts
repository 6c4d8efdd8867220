import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {createRandom} from '../../bench/images/random.ts';
import {readLineage} from '../../src/images/lineage.ts';
import {type ImageTreeNode, readTree} from '../../src/images/tree.ts';
import {openStore, type Store} from '../../src/store/store.ts';
import {setTag} from '../../src/store/tags.ts';
import {codeOf} from '../helpers/code-of.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';
import {addImage, digestFor, type SampleImage} from '../store/sample-graph.ts';

const ROUNDS = 12;

/** A store with these images, each under its name. */
async function openImages(images: readonly SampleImage[]): Promise<{store: Store} & Disposable> {
  const directory = makeTemporaryDirectory();
  const store = openStore({root: join(directory.path, 'store'), durability: 'fast'});
  await store.write((database) => {
    for (const image of images) {
      const digest = addImage(database, image);
      const reference = `docker.io/library/${image.name}:latest`;
      setTag(database, {reference, targetDigest: digest, manifestDigest: digest}, 1);
    }
  });
  const close = () => {
    store.close();
    directory[Symbol.dispose]();
  };
  return {store, [Symbol.dispose]: close};
}

const nameOf = ({image}: ImageTreeNode): string => image.references[0]?.replace(':latest', '') ?? '';

/** `base(middle(leaf,other))` */
const draw = (nodes: readonly ImageTreeNode[]): string =>
  nodes.map((node) => nameOf(node) + (node.children.length > 0 ? `(${draw(node.children)})` : '')).join();

const namesBelow = (node: ImageTreeNode): readonly string[] =>
  node.children.flatMap((child) => [nameOf(child), ...namesBelow(child)]);

describe('images/tree', ({test}) => {
  test('has the line of an image: what it is built on, and what is built on it', async () => {
    using sample = await openImages([
      {name: 'base', layers: 'a'},
      {name: 'middle', layers: 'ab', storedAt: 1},
      {name: 'same', layers: 'ab', storedAt: 2},
      {name: 'leaf', layers: 'abc', storedAt: 3},
      {name: 'deep', layers: 'abcd', storedAt: 4},
      {name: 'other', layers: 'ax', storedAt: 5},
      {name: 'empty', layers: '', storedAt: 6},
    ]);
    const lineOf = (name: string) => draw(readTree(sample.store, name));
    assert.is(draw(readTree(sample.store)), 'base(middle(leaf(deep)),same,other),empty');
    assert.is(lineOf('base'), 'base(middle(leaf(deep)),same,other)');
    assert.is(lineOf('leaf'), 'base(middle(leaf(deep)))');
    assert.is(lineOf('middle'), 'base(middle(leaf(deep)))');
    assert.is(lineOf('same'), 'base(same(leaf(deep)))');
    assert.is(lineOf('other'), 'base(other)');
    assert.is(lineOf('empty'), 'empty');
  });

  test('children belong to every image with the very layers that they go on from', async () => {
    const named = ['base', 'one', 'other', 'leaf'];
    using sample = await openImages([
      {name: 'base', layers: 'a'},
      {name: 'one', layers: 'ab', storedAt: 1},
      {name: 'other', layers: 'ab', storedAt: 2},
      {name: 'leaf', layers: 'abc', storedAt: 3},
    ]);
    const names = new Map<string | null, string>(named.map((name) => [digestFor(name), name]));
    const nameFor = (digest: string | null) => names.get(digest) ?? null;
    const lineageOf = (name: string) => {
      const lineage = sample.store.read((database) => readLineage(database, digestFor(name)), null);
      return [nameFor(lineage?.parent ?? null), lineage?.children.map(nameFor)];
    };
    assert.equal(lineageOf('base'), [null, ['one', 'other']]);
    assert.equal(lineageOf('one'), ['base', ['leaf']]);
    assert.equal(lineageOf('other'), ['base', ['leaf']]);
    assert.equal(lineageOf('leaf'), ['one', []]);
  });

  test('names every ancestor and descendant of random images, each once', async () => {
    for (let seed = 1; seed <= ROUNDS; seed++) {
      const random = createRandom(seed);
      const images = Array.from({length: 1 + random.below(12)}, (_, number) => ({
        name: `image${number}`,
        layers: Array.from({length: random.below(5)}, () => random.pick(['a', 'b'])).join(''),
        storedAt: random.below(4),
      }));
      using sample = await openImages(images);
      for (const image of images) {
        const {ancestors, descendants} = relativesOf(image, images);
        let [node] = readTree(sample.store, image.name);
        const chains: string[] = [];
        for (; node && nameOf(node) !== image.name; [node] = node.children) {
          assert.is(node.children.length, 1);
          chains.push(images.find(({name}) => node && name === nameOf(node))?.layers ?? '');
        }
        assert.equal(chains, ancestors, `seed ${seed}: ancestors of ${image.name}`);
        assert.equal(node && namesBelow(node).toSorted(), descendants, `seed ${seed}: descendants of ${image.name}`);
      }
    }
  });

  test('refuses an image that is not there', async () => {
    using sample = await openImages([{name: 'base', layers: 'a'}]);
    assert.is(
      codeOf(() => readTree(sample.store, 'absent')),
      'IMAGE_UNKNOWN',
    );
  });
});

/** By comparing all layers: the chains that images have below this one, and the images whose layers go on from its. */
function relativesOf({layers}: SampleImage, images: readonly SampleImage[]) {
  const extend = (upper: string, lower: string) => lower !== '' && upper !== lower && upper.startsWith(lower);
  const below = images.filter((other) => extend(layers, other.layers)).map((other) => other.layers);
  return {
    ancestors: [...new Set(below)].toSorted((one, other) => one.length - other.length),
    descendants: images
      .filter((other) => extend(other.layers, layers))
      .map(({name}) => name)
      .toSorted(),
  };
}
