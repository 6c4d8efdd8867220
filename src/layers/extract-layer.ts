import {closeSync, constants, openSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {hasErrno, WinchError} from '../errors.ts';
import {loadTreeCalls, type TreeCalls} from '../host/tree-calls.ts';
import {isInitialUserNamespace} from '../host/user-namespace.ts';
import type {ByteString} from './byte-string.ts';
import {findDifference} from './compare-tree.ts';
import {FileType} from './erofs-format.ts';
import {OPAQUE_NAME} from './erofs-xattr.ts';
import {EXTRACTED} from './extracted.ts';
import type {FileNode} from './file-tree.ts';
import {type IndexedLayer, stackLayer} from './read-layer-index.ts';
import {type SkippedFiles, writeRootfs} from './write-rootfs.ts';

/** What overlayfs looks for in its stead where it is mounted in a user namespace (`userxattr`). */
const OPAQUE_FOR_USERS = 'user.overlay.opaque';
/** In vain: not allowed here, not kept by this file system, or (ENOENT) taken by an overlay for a whiteout of its own. */
const REFUSALS = ['EPERM', 'EOPNOTSUPP', 'ENOTSUP', 'ENOENT'] as const;
const TRIAL = '.whiteout';

export interface LayerToExtract {
  readonly layer: IndexedLayer;
  /** Where the parts named in `EXTRACTED` go: an empty directory that nobody else can enter. */
  readonly directory: string;
}

/**
 * Writes a layer as directories for overlayfs, from the index of its file, as root.
 *
 * Root of a user namespace is not refused what it cannot keep: owners that the namespace lacks, devices, and attributes
 * of other namespaces. They are counted. What hides files of lower layers is kept, or the layer refused.
 *
 * @throws {WinchError} `EXTRACT_UNSUPPORTED` | as `stackLayer` and `writeRootfs`
 * @see https://docs.kernel.org/filesystems/overlayfs.html (whiteouts and opaque directories)
 */
export async function extractLayer(
  {layer, directory}: LayerToExtract,
  {signal}: {readonly signal?: AbortSignal | undefined} = {},
): Promise<SkippedFiles> {
  const isPrivileged = isInitialUserNamespace();
  const parts = await readParts(layer, signal);
  if (parts.some(([name]) => name === EXTRACTED.hiding)) requireWhiteouts(directory);
  if (!isPrivileged && layer.directories.opaque.length > 0) requireMarks(directory);
  const total = {owners: 0, devices: 0, xattrs: 0};
  for (const [name, root] of parts) {
    const {owners, devices, xattrs} = await writeRootfs(root, {directory, name}, {signal, mayBlock: true});
    if (isPrivileged && owners + devices + xattrs > 0) throw cannotExtract(directory);
    if (name !== EXTRACTED.content) continue;
    Object.assign(total, {owners, devices, xattrs});
  }
  return total;
}

/** An opaque directory without its mark would show what it has to hide. */
const requireMarks = (directory: string): void =>
  tryBelow(directory, (calls, fd) =>
    calls.setAttribute(fd, Buffer.from('.'), {name: Buffer.from(OPAQUE_FOR_USERS), value: Buffer.from('n')}),
  );

/** A whiteout that is missing would show what it has to hide. */
function requireWhiteouts(directory: string): void {
  tryBelow(directory, (calls, fd) => calls.makeNode(fd, Buffer.from(TRIAL), FileType.character, 0));
  rmSync(join(directory, TRIAL));
}

function tryBelow(directory: string, trial: (calls: TreeCalls, fd: number) => void): void {
  const fd = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    trial(loadTreeCalls(), fd);
  } catch (error) {
    if (hasErrno(error, ...REFUSALS)) throw cannotExtract(directory);
    throw error;
  } finally {
    closeSync(fd);
  }
}

const cannotExtract = (directory: string): WinchError =>
  new WinchError('EXTRACT_UNSUPPORTED', `files of a layer cannot be as in the image below ${directory}`, {
    kind: 'unsupported',
    hint: 'owners, devices and trusted attributes need root, and a file system that keeps them',
  });

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
