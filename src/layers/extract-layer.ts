import {join} from 'node:path';
import type {ByteString} from './byte-string.ts';
import {findDifference} from './compare-tree.ts';
import {OPAQUE_NAME} from './erofs-xattr.ts';
import {EXTRACTED} from './extracted.ts';
import type {FileNode} from './file-tree.ts';
import {type IndexedLayer, stackLayer} from './read-layer-index.ts';
import {writeTree} from './write-tree.ts';

export interface LayerToExtract {
  readonly layer: IndexedLayer;
  /** Where the parts named in `EXTRACTED` go: an empty directory that nobody else can enter. */
  readonly directory: string;
}

/**
 * Writes a layer as directories for overlayfs, from the index of its file, as root.
 *
 * @throws {WinchError} as `stackLayer` and `writeTree`
 * @see https://docs.kernel.org/filesystems/overlayfs.html (whiteouts and opaque directories)
 */
export async function extractLayer(
  {layer, directory}: LayerToExtract,
  {signal}: {readonly signal?: AbortSignal | undefined} = {},
): Promise<void> {
  for (const [name, root] of await readParts(layer, signal)) {
    await writeTree({root, path: join(directory, name)}, {signal});
  }
}

/**
 * Whether an extracted layer is what `extractLayer` makes of its file, but for extended attributes.
 *
 * @throws {WinchError} as `stackLayer` | a Node system error when the disk cannot be read
 */
export async function isExtracted(
  {layer, directory}: LayerToExtract,
  {signal}: {readonly signal?: AbortSignal | undefined} = {},
): Promise<boolean> {
  for (const [name, root] of await readParts(layer, signal)) {
    if ((await findDifference({root, path: join(directory, name)}, {signal})) !== null) return false;
  }
  return true;
}

async function readParts(
  layer: IndexedLayer,
  signal: AbortSignal | undefined,
): Promise<readonly (readonly [name: string, root: FileNode])[]> {
  const root = await stackLayer(null, layer, {keepsWhiteouts: true, signal});
  const opaque = new Set(layer.directories.opaque);
  const content = opaque.size === 0 ? root : markOpaque(root, '', opaque);
  const hiding = keepHiding(root);
  return [[EXTRACTED.content, content], ...(hiding ? [[EXTRACTED.hiding, hiding] as const] : [])];
}

function markOpaque(node: FileNode, path: ByteString, opaque: ReadonlySet<ByteString>): FileNode {
  if (!node.entries) return node;
  const entries = [...node.entries].map(
    ([name, child]) => [name, markOpaque(child, path === '' ? name : `${path}/${name}`, opaque)] as const,
  );
  const xattrs = opaque.has(path) ? new Map(node.xattrs).set(OPAQUE_NAME, 'y') : node.xattrs;
  return {...node, xattrs, entries: new Map(entries)};
}

/** The directories in which something is hidden, and those above; null without any. */
function keepHiding(node: FileNode): FileNode | null {
  const entries = [...(node.entries ?? [])];
  const kept = entries.flatMap(([name, child]) => {
    const hiding = child.kind === 'directory' ? keepHiding(child) : null;
    return hiding ? [[name, hiding] as const] : [];
  });
  const hidesAny = entries.some(([, {kind, device}]) => kind === 'character' && device === 0);
  return hidesAny || kept.length > 0 ? {...node, entries: new Map(kept)} : null;
}
