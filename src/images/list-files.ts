import {WinchError} from '../errors.ts';
import type {CallOptions} from '../events.ts';
import type {ByteString} from '../layers/byte-string.ts';
import {EMPTY_ROOT, type FileKind, type FileNode} from '../layers/file-tree.ts';
import {findFile} from '../layers/find-file.ts';
import {stackLayer} from '../layers/read-layer-index.ts';
import {excerpt} from '../oci/excerpt.ts';
import {layersOf, type StoredLayer} from '../store/image-records.ts';
import type {ImageContext} from './context.ts';
import {describeFile, type FileDetails, textOf} from './diff-files.ts';
import {requireStoredImage} from './find-image.ts';
import {createContentHasher} from './hash-content.ts';
import {claimImage} from './hold-lease.ts';
import {compilePathPattern, isPathPattern} from './path-pattern.ts';
import {isUnpacked} from './present-image.ts';

export interface FilesOptions extends CallOptions {
  /** Chooses among the images that were stored from an index; absent: the one that was pulled last. */
  readonly platform?: string | undefined;
  /** One layer as it is, what it removes included: its number from 1, base first, or the beginning of its digest. */
  readonly layer?: string | undefined;
  /** A file, or a directory with all that is below it; or a pattern, see `compilePathPattern`. */
  readonly path?: string | undefined;
  /** Hash the content of files. */
  readonly hasDigests?: boolean | undefined;
}

export interface ImageFile extends Omit<FileDetails, 'type'> {
  /** From the root on (`/etc/passwd`); bytes that are no UTF-8 show as U+FFFD. */
  readonly path: string;
  /** A whiteout removes a name of the layers below; only a layer alone has any. */
  readonly type: FileKind | 'whiteout';
  /** ISO 8601; null for a time that no calendar has. */
  readonly modified: string | null;
  /** A path that came before and is the same file; null for none. */
  readonly hardLink: string | null;
  /** `major:minor` of a device; null for anything else. */
  readonly device: string | null;
  /** The number of the layer that brought it, from 1, base first. */
  readonly layer: number;
  /** SHA-256 of the content; null for what has none, and where nobody asked. */
  readonly digest: string | null;
}

/**
 * The files of an image as a container would first see them, or those of one layer, in the order of their names, a
 * directory before what is in it. Nothing of the image is removed from the store while it is read. A layer that is only
 * downloaded is unpacked first.
 *
 * @throws {WinchError} `IMAGE_UNKNOWN` | `IMAGE_AMBIGUOUS` | `LAYER_UNKNOWN` | `PATH_UNKNOWN` | `BLOB_MISSING` |
 * `STORE_CORRUPT`
 */
export async function* listFiles(
  outer: ImageContext,
  name: string,
  options: FilesOptions = {},
): AsyncGenerator<ImageFile> {
  const {signal, path} = options;
  using lease = await outer.store.readerLease(signal);
  const listing = await openListing({...outer, lease}, name, options);
  const isPattern = path !== undefined && isPathPattern(path);
  const isListed = isPattern ? compilePathPattern(path) : () => true;
  const start = path === undefined || isPattern ? {path: '', node: listing.root} : findStart(listing.root, path, name);
  await using hasher = createContentHasher(signal);
  const firstPaths = new Map<string, Map<number, ByteString>>();
  for (const {path: bytes, node} of walk(start.node, start.path)) {
    signal?.throwIfAborted();
    const file = textOf(bytes === '' ? '/' : bytes);
    const hardLink = node.kind === 'directory' ? null : noteLink(firstPaths, node, bytes);
    if (!isListed(file)) continue;
    const digest = options.hasDigests && node.kind === 'file' ? await hasher.hash(node) : null;
    const layer = listing.numbers.get(node.layerPath) ?? 0;
    yield {...describe(node, file), hardLink: hardLink && textOf(hardLink), layer, digest};
  }
}

interface Listing {
  readonly root: FileNode;
  /** Of layers by the paths of their files; a layer that an image has twice counts where it is last. */
  readonly numbers: ReadonlyMap<string, number>;
}

async function openListing(context: ImageContext, name: string, options: FilesOptions): Promise<Listing> {
  const {store} = context;
  const {platform, signal, layer: wanted} = options;
  const {image} = await claimImage(context, () => requireStoredImage(store, name, platform));
  if (!store.read((database) => isUnpacked(store, database, image), false)) {
    const {unpackImage} = await import('./unpack-image.ts');
    await unpackImage(context, {name, image}, options);
  }
  const layers = store.read((database) => layersOf(database, image.manifestDigest), []);
  const numbers = new Map(layers.map(({diffId}, index) => [store.layers.path(diffId), index + 1]));
  const only = wanted === undefined ? null : findLayer(layers, wanted, name);
  let root: FileNode | null = null;
  for (const layer of only ? [only] : layers) {
    const path = store.layers.path(layer.diffId);
    root = await stackLayer(root, {...layer, path}, {signal, keepsWhiteouts: only !== null});
  }
  return {root: root ?? EMPTY_ROOT, numbers};
}

function findLayer(layers: readonly StoredLayer[], wanted: string, name: string): StoredLayer {
  const byNumber = /^\d{1,3}$/.test(wanted) ? layers[Number(wanted) - 1] : undefined;
  const prefix = /^[0-9a-f]{4,}$/.test(wanted) ? `sha256:${wanted}` : wanted;
  const isMeant = (digest: string) => prefix.length > 'sha256:'.length && digest.startsWith(prefix);
  const layer = byNumber ?? layers.find(({blobDigest, diffId}) => isMeant(blobDigest) || isMeant(diffId));
  if (layer) return layer;
  throw new WinchError('LAYER_UNKNOWN', `${name} has no layer ${excerpt(wanted)}`, {
    kind: 'not-found',
    hint: `it has ${layers.length}; name one by its number, base first, or by its digest`,
  });
}

function findStart(root: FileNode, path: string, name: string): {readonly path: ByteString; readonly node: FileNode} {
  const found = findFile(root, Buffer.from(path).toString('latin1'));
  if (found) return found.path === '/' ? {path: '', node: found.node} : found;
  throw new WinchError('PATH_UNKNOWN', `${excerpt(path)} is not in ${name}`, {
    kind: 'not-found',
    hint: 'list its directory, or ask which images have it',
  });
}

function* walk(node: FileNode, path: ByteString): Generator<{readonly path: ByteString; readonly node: FileNode}> {
  const pending = [{path, node}];
  for (let current = pending.pop(); current; current = pending.pop()) {
    yield current;
    const {path: above, node: directory} = current;
    const names = [...(directory.entries ?? [])].toSorted(([one], [other]) => (one < other ? 1 : -1));
    for (const [name, below] of names) pending.push({path: `${above}/${name}`, node: below});
  }
}

/** The first path of the file that a node is a name of, or null for the first. */
function noteLink(
  firstPaths: Map<string, Map<number, ByteString>>,
  {inode, layerPath}: FileNode,
  path: ByteString,
): ByteString | null {
  const paths = firstPaths.get(layerPath) ?? new Map<number, ByteString>();
  firstPaths.set(layerPath, paths);
  const first = paths.get(inode);
  if (first === undefined) paths.set(inode, path);
  return first ?? null;
}

function describe(node: FileNode, path: string) {
  const {kind, device, mtimeSeconds, mtimeNanoseconds} = node;
  const isDevice = kind === 'character' || kind === 'block';
  const time = new Date(mtimeSeconds * 1000 + Math.floor(mtimeNanoseconds / 1e6));
  return {
    path,
    ...describeFile(node),
    type: kind === 'character' && device === 0 ? ('whiteout' as const) : kind,
    modified: Number.isNaN(time.getTime()) ? null : time.toISOString(),
    device: isDevice && device !== 0 ? nameDevice(device) : null,
  };
}

/** As Linux packs a device number into 32 bits. */
const nameDevice = (device: number): string =>
  `${(device >>> 8) & 0xfff}:${(device & 0xff) | ((device >>> 12) & ~0xff)}`;
