import type {ByteString} from './byte-string.ts';
import type {FileNode} from './file-tree.ts';
import type {Path, PlannedDirectory, PlannedFile, PlannedLink, RootfsPart, RootfsPlan} from './rootfs-plan.ts';

/** Entries of a part: few enough that threads end together, enough that messages cost nothing. */
const PART_ENTRIES = 1000;

/**
 * Splits an image's files among threads: every name but the first of a file is a link, which comes last.
 *
 * @param name Of the root directory, in the one that it is written into.
 */
export function planRootfs(root: FileNode, name: string): RootfsPlan {
  const planning: Planning = {layers: new Map(), firstNames: new Map(), links: [], entries: 0, bytes: 0};
  const measured = measureDirectory(planning, name, root, [name]);
  const linked = linkedDirectories(planning.links);
  const parts: RootfsPart[] = [];
  const trunk = cutParts(measured, [name], {parts, linked});
  return {
    layerPaths: [...planning.layers.keys()],
    trunk,
    parts,
    links: planning.links,
    held: holdBack(measured, [name], linked),
    entries: planning.entries,
    bytes: planning.bytes,
  };
}

interface Planning {
  readonly layers: Map<string, number>;
  /** By layer, then by inode. */
  readonly firstNames: Map<number, Map<number, Path>>;
  readonly links: PlannedLink[];
  entries: number;
  bytes: number;
}

interface MeasuredDirectory {
  readonly self: PlannedFile;
  readonly files: readonly PlannedFile[];
  readonly directories: readonly MeasuredDirectory[];
  /** Of its own and all below. */
  readonly entries: number;
}

function measureDirectory(planning: Planning, name: ByteString, node: FileNode, path: Path): MeasuredDirectory {
  const files: PlannedFile[] = [];
  const directories: MeasuredDirectory[] = [];
  let entries = 1;
  for (const [childName, child] of node.entries ?? []) {
    const place = [...path, childName];
    if (child.kind === 'directory') {
      const directory = measureDirectory(planning, childName, child, place);
      directories.push(directory);
      entries += directory.entries;
    } else {
      const file = describeFile(planning, childName, child);
      if (noteName(planning, child.inode, file, place)) files.push(file);
    }
  }
  // The order of the tar, in which the content can be read in few pieces.
  files.sort((one, other) => one.layer - other.layer || one.offset - other.offset);
  planning.entries += files.length + 1;
  return {self: describeFile(planning, name, node), files, directories, entries: entries + files.length};
}

function describeFile({layers}: Planning, name: ByteString, node: FileNode): PlannedFile {
  const {kind, permissions, uid, gid, size, contentOffset, linkTarget, device, xattrs, layerPath} = node;
  const layer = layers.get(layerPath) ?? layers.size;
  layers.set(layerPath, layer);
  const {mtimeSeconds: seconds, mtimeNanoseconds: nanoseconds} = node;
  const place = {layer, offset: contentOffset, size};
  return {name, kind, permissions, uid, gid, seconds, nanoseconds, ...place, linkTarget, device, xattrs};
}

/** Whether this is the first name of its file; another becomes a link. */
function noteName(planning: Planning, inode: number, {layer, size}: PlannedFile, path: Path): boolean {
  const names = planning.firstNames.get(layer) ?? new Map<number, Path>();
  planning.firstNames.set(layer, names);
  const target = names.get(inode);
  if (target) {
    planning.links.push({path, target});
    planning.entries += 1;
    return false;
  }
  names.set(inode, path);
  planning.bytes += size;
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

interface Cutting {
  readonly parts: RootfsPart[];
  readonly linked: ReadonlySet<string>;
}

/** Cuts a directory's content into parts, and returns what is to be there first. */
function cutParts(directory: MeasuredDirectory, path: Path, cutting: Cutting): PlannedDirectory {
  const {self, files, directories} = directory;
  const trunk: PlannedDirectory[] = [];
  let part: PlannedDirectory[] = [];
  let room = PART_ENTRIES - files.length;
  let partFiles = files;
  const flush = () => {
    if (part.length > 0 || partFiles.length > 0) cutting.parts.push({path, files: partFiles, directories: part});
    part = [];
    partFiles = [];
    room = PART_ENTRIES;
  };
  for (const child of directories) {
    const place = [...path, child.self.name];
    if (child.entries > PART_ENTRIES) {
      trunk.push(cutParts(child, place, cutting));
      continue;
    }
    if (child.entries > room) flush();
    part.push(planDirectory(child, place, cutting.linked));
    room -= child.entries;
  }
  flush();
  return {self, files: [], directories: trunk, isHeld: true};
}

function planDirectory(
  {self, files, directories}: MeasuredDirectory,
  path: Path,
  linked: ReadonlySet<string>,
): PlannedDirectory {
  return {
    self,
    files,
    directories: directories.map((child) => planDirectory(child, [...path, child.self.name], linked)),
    isHeld: linked.size > 0 && linked.has(keyOf(path)),
  };
}

function holdBack(directory: MeasuredDirectory, path: Path, linked: ReadonlySet<string>): PlannedDirectory {
  const directories = directory.directories.flatMap((child) => {
    const place = [...path, child.self.name];
    return child.entries > PART_ENTRIES || linked.has(keyOf(place)) ? [holdBack(child, place, linked)] : [];
  });
  return {self: directory.self, files: [], directories, isHeld: true};
}
