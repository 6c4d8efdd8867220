import {join} from 'node:path';
import {isInitialUserNamespace} from '../host/user-namespace.ts';
import type {IdMappings} from '../oci/id-mappings.ts';
import type {ByteString} from './byte-string.ts';
import {findDifference} from './compare-tree.ts';
import {OPAQUE_NAME} from './erofs-xattr.ts';
import {EXTRACTED} from './extracted.ts';
import type {FileNode} from './file-tree.ts';
import {mapOwners} from './map-owners.ts';
import {type IndexedLayer, stackLayer} from './read-layer-index.ts';
import {cannotExtract, OPAQUE_FOR_USERS, requireMarks, requireWhiteouts} from './require-marks.ts';
import {type SkippedFiles, writeRootfs} from './write-rootfs.ts';

export interface LayerToExtract {
  readonly layer: IndexedLayer;
  /** Where the parts named in `EXTRACTED` go: an empty directory that nobody else can enter. */
  readonly directory: string;
  /** Whose its files are to be; absent: those who own them in the layer. */
  readonly ownerIds?: IdMappings | undefined;
}

/**
 * Writes a layer as directories for overlayfs, from the index of its file, as root.
 *
 * Root of a user namespace is not refused what it cannot keep: owners that the namespace lacks, devices, and attributes
 * of other namespaces. They are counted. What hides files of lower layers is kept, or the layer refused.
 *
 * @throws {WinchError} `EXTRACT_UNSUPPORTED` | as `stackLayer`, `mapOwners` and `writeRootfs`
 * @see https://docs.kernel.org/filesystems/overlayfs.html (whiteouts and opaque directories)
 */
export async function extractLayer(
  {layer, directory, ownerIds}: LayerToExtract,
  {signal}: {readonly signal?: AbortSignal | undefined} = {},
): Promise<SkippedFiles> {
  const isPrivileged = isInitialUserNamespace();
  const parts = await readParts(layer, signal);
  if (parts.some(([name]) => name === EXTRACTED.hiding)) requireWhiteouts(directory);
  if (!isPrivileged && layer.directories.opaque.length > 0) requireMarks(directory);
  const total = {owners: 0, devices: 0, xattrs: 0};
  for (const [name, root] of parts) {
    const ownerOf = ownerIds ? mapOwners(root, ownerIds) : undefined;
    const {owners, devices, xattrs} = await writeRootfs(root, {directory, name}, {signal, ownerOf, mayBlock: true});
    if (isPrivileged && owners + devices + xattrs > 0) throw cannotExtract(directory);
    if (name !== EXTRACTED.content) continue;
    Object.assign(total, {owners, devices, xattrs});
  }
  return total;
}

/**
 * Compares an extracted layer with what `extractLayer` makes of its file.
 *
 * @returns the path of the first difference in the layer, `.` for its root; null: there is none
 * @throws {WinchError} as `stackLayer` | a Node system error when the disk cannot be read
 */
export async function verifyExtracted(
  {layer, directory}: LayerToExtract,
  {signal}: {readonly signal?: AbortSignal | undefined} = {},
): Promise<ByteString | null> {
  for (const [name, root] of await readParts(layer, signal)) {
    const difference = await findDifference({root, path: join(directory, name)}, {signal});
    if (difference !== null) return difference;
  }
  return null;
}

async function readParts(
  layer: IndexedLayer,
  signal: AbortSignal | undefined,
): Promise<readonly (readonly [name: string, root: FileNode])[]> {
  const root = await stackLayer(null, layer, {keepsWhiteouts: true, signal});
  const opaqueName = isInitialUserNamespace() ? OPAQUE_NAME : OPAQUE_FOR_USERS;
  const marking = {opaqueName, opaque: new Set(layer.directories.opaque), whiteouts: 0};
  const content = markHidden(marking, root, '');
  const hiding = keepHiding(root);
  return [[EXTRACTED.content, content], ...(hiding ? [[EXTRACTED.hiding, hiding] as const] : [])];
}

interface Marking {
  readonly opaqueName: string;
  readonly opaque: ReadonlySet<ByteString>;
  whiteouts: number;
}

/** Opaque directories get their attribute; whiteouts become files of their own, since names of a file are limited. */
function markHidden(marking: Marking, node: FileNode, path: ByteString): FileNode {
  if (isWhiteout(node)) {
    marking.whiteouts += 1;
    return {...node, inode: -marking.whiteouts};
  }
  if (!node.entries) return node;
  const changed = [...node.entries].flatMap(([name, child]) => {
    const marked = markHidden(marking, child, path === '' ? name : `${path}/${name}`);
    return marked === child ? [] : [[name, marked] as const];
  });
  const isOpaque = marking.opaque.has(path);
  if (changed.length === 0 && !isOpaque) return node;
  const xattrs = isOpaque ? new Map(node.xattrs).set(marking.opaqueName, 'y') : node.xattrs;
  return {...node, xattrs, entries: new Map([...node.entries, ...changed])};
}

const isWhiteout = ({kind, device}: FileNode): boolean => kind === 'character' && device === 0;

/** The directories in which something is hidden, and those above; null without any. */
function keepHiding(node: FileNode): FileNode | null {
  const entries = [...(node.entries ?? [])];
  const kept = entries.flatMap(([name, child]) => {
    const hiding = child.kind === 'directory' ? keepHiding(child) : null;
    return hiding ? [[name, hiding] as const] : [];
  });
  const hidesAny = entries.some(([, child]) => isWhiteout(child));
  return hidesAny || kept.length > 0 ? {...node, entries: new Map(kept)} : null;
}
