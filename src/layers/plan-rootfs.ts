import type {ByteString} from './byte-string.ts';
import type {FileNode} from './file-tree.ts';
import type {Path, PlannedDirectory, PlannedFile, PlannedLink, RootfsPart, RootfsPlan} from './rootfs-plan.ts';

/** Entries of a part: few enough that threads end together, enough that messages cost nothing. */
const PART_ENTRIES = 1000;

/** Who is to own a file that the image gives to somebody. */
export type OwnerMap = (node: Pick<FileNode, 'uid' | 'gid'>) => {readonly uid: number; readonly gid: number};

/**
 * Splits an image's files among threads: every name but the first of a file is a link, which comes last.
 *
 * @param name Of the root directory, in the one that it is written into.
 */
export function planRootfs(root: FileNode, name: string, ownerOf: OwnerMap): RootfsPlan {
  const measuring: Measuring = {
    ...{layers: new Map(), firstNames: new Map(), furtherNames: new Set(), links: [], entries: 0, bytes: 0},
  };
  const measured = measureDirectory(measuring, name, root, [name]);
  const {layers, furtherNames, links, entries, bytes} = measuring;
  const planning = {layers, furtherNames, linked: linkedDirectories(links), ownerOf};
  const pieces: Piece[] = [];
  const trunk = cutPieces({...planning, pieces}, measured, [name]);
  return {
    layerPaths: [...layers.keys()],
    trunk,
    parts: pieces.values().map((piece) => planPart(planning, piece)),
    partCount: pieces.length,
    links,
    held: holdBack(planning, measured, [name]),
    entries,
    bytes,
  };
}

interface Measuring {
  readonly layers: Map<string, number>;
  /** By layer, then by inode. */
  readonly firstNames: Map<number, Map<number, FirstName>>;
  /** What becomes a link. Each name of a file has a node of its own. */
  readonly furtherNames: Set<FileNode>;
  readonly links: PlannedLink[];
  entries: number;
  bytes: number;
}

/** Of nearly all files it is the only one, so no path is made for it. */
interface FirstName {
  readonly directory: Path;
  readonly name: ByteString;
}

interface MeasuredDirectory {
  readonly name: ByteString;
  readonly node: FileNode;
  readonly directories: readonly MeasuredDirectory[];
  /** But for directories. */
  readonly files: number;
  /** Of its own and all below. */
  readonly entries: number;
}

function measureDirectory(measuring: Measuring, name: ByteString, node: FileNode, path: Path): MeasuredDirectory {
  const directories: MeasuredDirectory[] = [];
  let files = 0;
  let below = 0;
  numberLayer(measuring, node);
  for (const [childName, child] of node.entries ?? []) {
    if (child.kind === 'directory') {
      const directory = measureDirectory(measuring, childName, child, [...path, childName]);
      directories.push(directory);
      below += directory.entries;
    } else if (noteName(measuring, child, {directory: path, name: childName})) files += 1;
  }
  measuring.entries += files + 1;
  return {name, node, directories, files, entries: 1 + files + below};
}

function numberLayer({layers}: Measuring, {layerPath}: FileNode): number {
  const layer = layers.get(layerPath) ?? layers.size;
  layers.set(layerPath, layer);
  return layer;
}

/** Whether this is the first name of its file; another becomes a link. */
function noteName(measuring: Measuring, node: FileNode, {directory, name}: FirstName): boolean {
  const layer = numberLayer(measuring, node);
  const names = measuring.firstNames.get(layer) ?? new Map<number, FirstName>();
  measuring.firstNames.set(layer, names);
  const first = names.get(node.inode);
  if (first) {
    measuring.links.push({path: [...directory, name], target: [...first.directory, first.name]});
    measuring.furtherNames.add(node);
    measuring.entries += 1;
    return false;
  }
  names.set(node.inode, {directory, name});
  measuring.bytes += node.size;
  return true;
}

const keyOf = (path: Path): string => path.join('/');

/** The directories in which a link or its target lies, and those above. */
function linkedDirectories(links: readonly PlannedLink[]): ReadonlySet<string> {
  const linked = new Set<string>();
  for (const path of links.flatMap((link) => [link.path, link.target])) {
    for (let length = path.length - 1; length > 0; length--) {
      const key = keyOf(path.slice(0, length));
      if (linked.has(key)) break;
      linked.add(key);
    }
  }
  return linked;
}

interface Planning {
  readonly layers: ReadonlyMap<string, number>;
  readonly furtherNames: ReadonlySet<FileNode>;
  readonly linked: ReadonlySet<string>;
  readonly ownerOf: OwnerMap;
}

/** A part whose files are described once it is its turn: all of them at once would take much memory. */
interface Piece {
  readonly path: Path;
  /** The directory whose own files belong to it; null for none. */
  readonly own: FileNode | null;
  readonly directories: readonly MeasuredDirectory[];
}

type Cutting = Planning & {readonly pieces: Piece[]};

/** Cuts a directory's content into pieces, and returns what is to be there first. */
function cutPieces(cutting: Cutting, directory: MeasuredDirectory, path: Path): PlannedDirectory {
  const trunk: PlannedDirectory[] = [];
  let part: MeasuredDirectory[] = [];
  let own = directory.files > 0 ? directory.node : null;
  let room = PART_ENTRIES - directory.files;
  const flush = () => {
    if (part.length > 0 || own) cutting.pieces.push({path, own, directories: part});
    part = [];
    own = null;
    room = PART_ENTRIES;
  };
  for (const child of directory.directories) {
    if (child.entries > PART_ENTRIES) {
      trunk.push(cutPieces(cutting, child, [...path, child.name]));
      continue;
    }
    if (child.entries > room) flush();
    part.push(child);
    room -= child.entries;
  }
  flush();
  return {self: describeFile(cutting, directory.name, directory.node), files: [], directories: trunk, isHeld: true};
}

const planPart = (planning: Planning, {path, own, directories}: Piece): RootfsPart => ({
  path,
  files: own ? planFiles(planning, own) : [],
  directories: directories.map((child) => planDirectory(planning, child, [...path, child.name])),
});

function planDirectory(planning: Planning, {name, node, directories}: MeasuredDirectory, path: Path): PlannedDirectory {
  return {
    self: describeFile(planning, name, node),
    files: planFiles(planning, node),
    directories: directories.map((child) => planDirectory(planning, child, [...path, child.name])),
    isHeld: planning.linked.size > 0 && planning.linked.has(keyOf(path)),
  };
}

function planFiles(planning: Planning, {entries}: FileNode): readonly PlannedFile[] {
  const files: PlannedFile[] = [];
  for (const [name, node] of entries ?? []) {
    if (node.kind === 'directory' || planning.furtherNames.has(node)) continue;
    files.push(describeFile(planning, name, node));
  }
  // The order of the tar, in which the content can be read in few pieces.
  return files.sort((one, other) => one.layer - other.layer || one.offset - other.offset);
}

function describeFile({layers, ownerOf}: Planning, name: ByteString, node: FileNode): PlannedFile {
  const {uid, gid} = ownerOf(node);
  const {kind, permissions, size, contentOffset, linkTarget, device, xattrs, layerPath} = node;
  const {mtimeSeconds: seconds, mtimeNanoseconds: nanoseconds} = node;
  const place = {layer: layers.get(layerPath) ?? 0, offset: contentOffset, size};
  return {name, kind, permissions, uid, gid, seconds, nanoseconds, ...place, linkTarget, device, xattrs};
}

function holdBack(planning: Planning, {name, node, directories}: MeasuredDirectory, path: Path): PlannedDirectory {
  const held = directories.flatMap((child) => {
    const place = [...path, child.name];
    const isHeld = child.entries > PART_ENTRIES || planning.linked.has(keyOf(place));
    return isHeld ? [holdBack(planning, child, place)] : [];
  });
  return {self: describeFile(planning, name, node), files: [], directories: held, isHeld: true};
}
