import {buffer} from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import {type BuiltLayer, buildChunkedLayer, type ChunkedSource} from '../../../fixtures/build-chunked-layer.ts';
import {buildTar, type TarEntry} from '../../../fixtures/build-tar.ts';
import {readRegion} from '../../../src/host/file-regions.ts';
import type {BlobParts} from '../../../src/layers/chunked/blob-parts.ts';
import {findChunkedFormat} from '../../../src/layers/chunked/chunked-format.ts';
import {type ChunkedLayer, openChunkedLayer} from '../../../src/layers/chunked/chunked-layer.ts';
import type {FileNode} from '../../../src/layers/file-tree.ts';
import type {LayerIndex} from '../../../src/layers/layer-index.ts';
import {openLayeredFiles} from '../../../src/layers/layered-files.ts';
import type {IndexedLayer} from '../../../src/layers/read-layer-index.ts';
import {digestOf} from '../../../src/oci/digest.ts';
import {describe} from '../../helpers/suite.ts';
import {makeLayerFixture} from '../layer-fixture.ts';
import {randomEntries} from '../random-entries.ts';

const SOURCES: readonly Omit<ChunkedSource, 'entries'>[] = [
  {format: 'estargz'},
  {format: 'estargz', chunkBytes: 700, leastStreamBytes: 5000},
  {format: 'zstd:chunked', chunkBytes: 700},
];
/** Directories that layers above name without describing them, and much that they hide. */
const ABOVE: readonly (readonly TarEntry[])[] = [
  [
    {path: 'a/', type: 'directory', mode: 0o700, uid: 5},
    {path: 'a/b/c/file', content: 'deep'},
    {path: 'x', content: 'x'},
    {path: 'null', type: 'character', devMajor: 0, devMinor: 0},
  ],
  [
    {path: 'a/b/c/other', content: 'other'},
    {path: '.wh.x'},
    {path: 'a/b/.wh..wh..opq'},
    {path: './', type: 'directory', mode: 0o711},
  ],
];

/** Tables of contents are JSON: names are text. */
const asText = (value: string | Buffer): string => value.toString('latin1').replace(/[^\x20-\x7e]/g, '?');
const textEntries = (seed: number): TarEntry[] =>
  randomEntries(seed, 120).map((entry) => ({
    ...entry,
    path: asText(entry.path),
    ...(entry.linkPath !== undefined && {linkPath: asText(entry.linkPath)}),
  }));

const partsOf = (bytes: Buffer): BlobParts => ({
  size: bytes.length,
  read: async function* ({start, end}) {
    for (let at = start; at < end; at += 1000) yield bytes.subarray(at, Math.min(end, at + 1000));
  },
});

async function open({bytes, mediaType, annotations}: BuiltLayer, name: string): Promise<ChunkedLayer> {
  const format = findChunkedFormat({mediaType, digest: digestOf(bytes), size: bytes.length, annotations});
  const layer = format && (await openChunkedLayer({parts: partsOf(bytes), format, name}));
  if (!layer) throw new Error('it is not chunked');
  return layer;
}

type Content = (node: FileNode) => AsyncIterable<Uint8Array>;

/** All that a container would see of the files, with the content and the first path of each. */
async function list(root: FileNode, contentOf: Content): Promise<readonly unknown[]> {
  const first = new Map<string, string>();
  const walk = async (node: FileNode, path: string): Promise<unknown[]> => {
    const {entries, xattrs, inode, contentOffset: _, layerPath, ...rest} = node;
    const key = `${layerPath} ${inode}`;
    if (!first.has(key)) first.set(key, path);
    const content = node.kind === 'file' ? digestOf(await buffer(contentOf(node))) : null;
    const same = entries ? null : first.get(key);
    const found: unknown[] = [{path, ...rest, same, content, xattrs: [...(xattrs ?? [])].toSorted()}];
    const below = [...(entries ?? [])].toSorted(([a], [b]) => (a < b ? -1 : 1));
    for (const [name, child] of below) found.push(...(await walk(child, `${path}/${name}`)));
    return found;
  };
  return await walk(root, '');
}

describe('layers/chunked/chunked-layer', ({test, after}) => {
  const fixture = makeLayerFixture();
  after(fixture.remove);

  for (const source of SOURCES) {
    test(`shows what layer files of the same tars show: ${JSON.stringify(source)}`, async () => {
      const layers = [...[1, 2, 3].map(textEntries), ...ABOVE];
      const written = [];
      const chunked: ChunkedLayer[] = [];
      for (const [at, entries] of layers.entries()) {
        written.push(await fixture.write(buildTar(entries)));
        chunked.push(await open(buildChunkedLayer({...source, entries}), String(at)));
      }
      const contentOf: Content = (node) => {
        const layer = chunked.find(({name}) => name === node.layerPath);
        const region = {path: node.layerPath, offset: node.contentOffset, size: node.size};
        const content = layer ? layer.readFile(node) : readRegion(region);
        if (!content) throw new Error('it cannot be read in part');
        return content;
      };
      const all = async (from: readonly (IndexedLayer | LayerIndex)[]) => await list(openLayeredFiles(from), contentOf);
      const expected = await all(written);
      assert.ok(expected.length > 300);
      assert.equal(await all(chunked.map(({index}) => index)), expected);
      const mixed = written.map((layer, at) => (at % 2 === 0 ? layer : (chunked[at]?.index ?? layer)));
      assert.equal(await all(mixed), expected);
    });
  }

  test('finds no format where nothing in the manifest vouches for one', () => {
    const {bytes, mediaType, annotations} = buildChunkedLayer({format: 'estargz', entries: []});
    const layer = {mediaType, digest: digestOf(bytes), size: bytes.length};
    assert.is(findChunkedFormat(layer), null);
    assert.is(findChunkedFormat({...layer, annotations})?.name, 'estargz');
    // Who packed it anew with zstd has kept what was true of the gzip.
    assert.is(findChunkedFormat({...layer, annotations, mediaType: mediaType.replace('gzip', 'zstd')}), null);
  });
});
