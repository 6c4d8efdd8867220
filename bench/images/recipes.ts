import {mkdir, readFile, rename, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {digestOf, shortDigest} from '../../src/oci/digest.ts';
import {type LayoutImage, type LayoutLayer, prepareLayout, writeImage, writeLayer} from './layout.ts';
import {staticExecutable} from './static-executable.ts';
import {baseTree, incompressibleTree, nodeModulesTree, smallTree, type Tree} from './trees.ts';

export const IMAGE_NAMES = ['base', 'many-files', 'layers', 'one-blob', 'three-blobs'] as const;

/** What is measured unless others are asked for; the rest is for downloads alone. */
export const USUAL_IMAGES = ['base', 'many-files', 'layers'] as const;

export type ImageName = (typeof IMAGE_NAMES)[number];

export interface BuiltImages {
  /** An OCI layout directory that names every image. */
  readonly layout: string;
  /** Beside it, for what is derived from these very images. */
  readonly directory: string;
  readonly images: ReadonlyMap<ImageName, LayoutImage>;
}

interface NamedTree {
  readonly name: string;
  readonly tree: Tree;
}

/** Raise when trees change: cached images of another version are not used. */
const VERSION = 1;
const SMALL_LAYERS = 40;

/**
 * Builds the images that are not in the cache yet; equal bytes on every machine with the same executable and zlib.
 *
 * @param onBuild Hears the name of each layer that has to be built.
 */
export async function buildImages(
  cache: string,
  names: readonly ImageName[],
  onBuild: (layer: string) => void,
): Promise<BuiltImages> {
  const {bytes, architecture} = await staticExecutable();
  const directory = join(cache, `images-${VERSION}-${process.versions.zlib}-${shortDigest(digestOf(bytes))}`);
  const layout = join(directory, 'layout');
  await prepareLayout(layout);
  const images = new Map<ImageName, LayoutImage>();
  for (const name of names) {
    const layers: LayoutLayer[] = [];
    for (const tree of treesOf(name, bytes)) layers.push(await ensureLayer({layout, directory}, tree, onBuild));
    images.set(name, await writeImage(layout, name, {architecture, layers}));
  }
  return {layout, directory, images};
}

function treesOf(name: ImageName, executable: Buffer): readonly NamedTree[] {
  if (name === 'one-blob') return [blobLayer(1, 300)];
  if (name === 'three-blobs') return [1, 2, 3].map((number) => blobLayer(number, 100));
  const base = {name: 'base', tree: baseTree(executable)};
  if (name === 'base') return [base];
  if (name === 'many-files') return [base, {name: 'node-modules', tree: nodeModulesTree()}];
  return [base, ...Array.from({length: SMALL_LAYERS}, (_, index) => smallLayer(index + 1))];
}

const smallLayer = (number: number): NamedTree => ({name: `small-${number}`, tree: smallTree(number)});

const blobLayer = (number: number, mebibytes: number): NamedTree => ({
  name: `blob-${number}-${mebibytes}`,
  tree: incompressibleTree({seed: number, mebibytes}),
});

/** A layer whose record is there is complete: the record is written last. */
async function ensureLayer(
  {layout, directory}: {readonly layout: string; readonly directory: string},
  {name, tree}: NamedTree,
  onBuild: (layer: string) => void,
): Promise<LayoutLayer> {
  const record = join(directory, 'layers', `${name}.json`);
  try {
    return JSON.parse(await readFile(record, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  onBuild(name);
  const layer = await writeLayer(layout, tree());
  await mkdir(join(directory, 'layers'), {recursive: true});
  await writeFile(`${record}.new`, JSON.stringify(layer));
  await rename(`${record}.new`, record);
  return layer;
}
