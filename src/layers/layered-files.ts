import type {ByteString} from './byte-string.ts';
import {PATH_LIMIT_BYTES} from './entry-path.ts';
import {damagedIndex, type InodeNumber} from './erofs-reader.ts';
import type {FileNode} from './file-tree.ts';
import {type LayerIndex, openLayerIndex} from './layer-index.ts';
import type {IndexedLayer} from './read-layer-index.ts';

/** An inode of one layer. */
interface LayerInode {
  readonly layer: LayerIndex;
  readonly number: InodeNumber;
}

/** Where in the image. */
interface Place {
  /** Without a leading slash. */
  readonly path: ByteString;
  readonly depth: number;
}

interface Directory extends Place {
  /** The directories of layers that show together, topmost first. */
  readonly parts: readonly LayerInode[];
}

/**
 * The root of an image's files, as `stackLayer` has it of all layers, but read while it is walked: a lookup reads a few
 * pages of each layer, whatever their size. Whoever walks it needs the layer files to stay.
 *
 * @param layers Base first, layer files or what was opened already; without any, the root is an empty directory.
 * @throws {WinchError} `STORE_CORRUPT` | as the file system; while it is walked as well
 * @see image-spec v1.1.1 layer.md#applying-changesets
 */
export const openLayeredFiles = (layers: readonly (IndexedLayer | LayerIndex)[]): FileNode =>
  mergeNodes(rootsOf(layers), {path: '', depth: 0}) ?? EMPTY;

const EMPTY: FileNode = Object.freeze({
  ...{kind: 'directory', permissions: 0o755, uid: 0, gid: 0, mtimeSeconds: 0, mtimeNanoseconds: 0, inode: 0, size: 0},
  ...{contentOffset: 0, linkTarget: null, device: 0, xattrs: null, layerPath: '', entries: new Map()},
} as const);

function* rootsOf(layers: readonly (IndexedLayer | LayerIndex)[]): Generator<LayerInode> {
  for (const given of layers.toReversed()) {
    const layer = 'root' in given ? given : openLayerIndex(given);
    yield {layer, number: layer.root};
  }
}

/** What shows of the inodes that layers have under one name, topmost first; null for nothing. */
function mergeNodes(inodes: Iterable<LayerInode>, place: Place): FileNode | null {
  const parts: LayerInode[] = [];
  let node: FileNode | null = null;
  let isDescribed = false;
  for (const {layer, number} of inodes) {
    const {node: own, isOpaque, isWhiteout} = layer.inode(number);
    if (isWhiteout || own.kind !== 'directory') {
      if (node === null && !isWhiteout) return own;
      break;
    }
    parts.push({layer, number});
    // A directory that no entry describes keeps what the layers below say of it.
    if (!isDescribed) node = own;
    isDescribed ||= !layer.isImplied(place.path);
    if (isOpaque) break;
  }
  if (node !== null && place.depth > PATH_LIMIT_BYTES / 2) throw damagedIndex(node.layerPath, 'it leads in circles');
  return node && {...node, entries: openEntries({...place, parts})};
}

interface LayeredEntries extends ReadonlyMap<ByteString, FileNode> {
  /** How many layers have the directory that these are of. */
  readonly layers: number;
}

/** Whether a node of {@link openLayeredFiles} is a directory of one layer, as are all below it. */
export const isOfOneLayer = ({entries}: FileNode): boolean =>
  entries !== null && (entries as Partial<LayeredEntries>).layers === 1;

/** The entries of a directory. One is looked up alone, and each time again, until all are asked for. */
function openEntries(directory: Directory): LayeredEntries {
  let all: ReadonlyMap<ByteString, FileNode> | null = null;
  const whole = () => {
    all ??= listEntries(directory);
    return all;
  };
  const get = (name: ByteString) => (all ? all.get(name) : lookUp(directory, name));
  return {
    layers: directory.parts.length,
    get,
    has: (name) => get(name) !== undefined,
    get size() {
      return whole().size;
    },
    forEach: (visit, thisArgument) => whole().forEach(visit, thisArgument),
    keys: () => whole().keys(),
    values: () => whole().values(),
    entries: () => whole().entries(),
    [Symbol.iterator]: () => whole()[Symbol.iterator](),
  };
}

const lookUp = (directory: Directory, name: ByteString): FileNode | undefined =>
  mergeNodes(inodesNamed(directory, name), placeBelow(directory, name)) ?? undefined;

function* inodesNamed({parts}: Directory, name: ByteString): Generator<LayerInode> {
  for (const {layer, number: directory} of parts) {
    const number = layer.find(directory, name);
    if (number !== null) yield {layer, number};
  }
}

function listEntries(directory: Directory): ReadonlyMap<ByteString, FileNode> {
  const inodes = new Map<ByteString, LayerInode[]>();
  for (const {layer, number: listed} of directory.parts) {
    for (const {name, number} of layer.list(listed)) {
      const inode = {layer, number};
      const above = inodes.get(name);
      if (above) above.push(inode);
      else inodes.set(name, [inode]);
    }
  }
  const entries = new Map<ByteString, FileNode>();
  for (const [name, stacked] of inodes) {
    const node = mergeNodes(stacked, placeBelow(directory, name));
    if (node) entries.set(name, node);
  }
  return entries;
}

const placeBelow = ({path, depth}: Place, name: ByteString): Place => ({
  path: path === '' ? name : `${path}/${name}`,
  depth: depth + 1,
});
