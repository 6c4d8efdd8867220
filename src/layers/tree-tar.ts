import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  statfsSync,
} from 'node:fs';
import type {AttributeCalls} from '../host/attribute-calls.ts';
import type {ByteString} from './byte-string.ts';
import {FILE_TYPE_MASK} from './erofs-format.ts';
import {type FileKind, kindOfMode} from './file-tree.ts';
import type {OwnerMap} from './plan-rootfs.ts';
import {encodeTarHeader, tarPadding} from './tar-encoding.ts';
import {TAR_END_BYTES} from './tar-writer.ts';
import {attributesOf, unlessVanished} from './tree-attributes.ts';
import {opaqueMarkerIn, readMarkedNames, requireWhole, whiteoutOf} from './upper-marks.ts';

/** A file or directory by an open directory and a name in it, so that no link is ever followed. */
export interface TreePlace {
  readonly directoryFd: number;
  /** One component; null: the directory itself. */
  readonly name: Buffer | null;
}

export interface TreeTarOptions {
  /**
   * What the place is called in the tar, `/` and `.` included; absent or empty, for a directory: `./`, and what is in it
   * has no more names.
   */
  readonly name?: ByteString | undefined;
  /** Whether it is the upper directory of an overlay, whose marks become whiteouts of a layer. */
  readonly isUpper?: boolean;
  /** Whether something is left out, with all below it. `path` is as in the tar, without a slash at its end. */
  readonly isLeftOut?: ((path: ByteString, place: TreePlace) => boolean) | undefined;
  /** Who owns a file in the tar; absent: who owns it on disk. */
  readonly ownerOf?: OwnerMap | undefined;
  readonly signal?: AbortSignal | undefined;
}

const DIRECTORY_FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
/** A FIFO or a device in the place of a file must not block. */
const FILE_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;
const BATCH_BYTES = 1024 * 1024;
/** proc, sysfs, cgroup, cgroup2, devpts, mqueue: their files are no content (linux/magic.h). */
const KERNEL_FILE_SYSTEMS: ReadonlySet<number> = new Set([
  0x9fa0, 0x62656572, 0x27e0eb, 0x63677270, 0x1cd1, 0x19800202,
]);

/**
 * The bytes of a tar of a directory or file of this machine: every kind of file with its owner, time and attributes, names
 * of one file as hard links to the first of them; sockets are left out, and what a file system of the kernel holds.
 *
 * Others may change the tree meanwhile: each step names one component below an open directory and follows no link, so
 * nothing outside is read; what goes meanwhile is left out, and a file has the size that it had when it was opened.
 */
export async function* writeTreeTar(
  calls: AttributeCalls,
  place: TreePlace,
  {name = '', ...options}: TreeTarOptions = {},
): AsyncGenerator<Uint8Array> {
  const walk: Walk = {...options, calls, firstNames: new Map()};
  let [batch, bytes]: [Buffer[], number] = [[], 0];
  for (const piece of walkPlace(walk, place, name)) {
    options.signal?.throwIfAborted();
    batch.push(piece);
    bytes += piece.length;
    if (bytes < BATCH_BYTES) continue;
    yield Buffer.concat(batch);
    [batch, bytes] = [[], 0];
  }
  yield Buffer.concat([...batch, Buffer.alloc(TAR_END_BYTES)]);
}

interface Walk extends Omit<TreeTarOptions, 'name'> {
  readonly calls: AttributeCalls;
  /** Of files with several names, by device and number. */
  readonly firstNames: Map<string, ByteString>;
}

const SELF = Buffer.from('.');
const pathOf = ({directoryFd, name}: TreePlace): Buffer =>
  Buffer.concat([Buffer.from(`/proc/self/fd/${directoryFd}/`), name ?? SELF]);

function* walkPlace(walk: Walk, place: TreePlace, path: ByteString): Generator<Buffer> {
  if (walk.isLeftOut?.(path, place)) return;
  const stats = unlessVanished(() => lstatSync(pathOf(place), {bigint: true}));
  if (stats === null) return;
  const kind = kindOfMode(Number(stats.mode) & FILE_TYPE_MASK);
  if (kind === 'directory') yield* walkDirectory(walk, place, path);
  else if (kind === 'file') yield* writeFile(walk, place, {path, stats});
  else if (kind === 'character' && walk.isUpper && stats.rdev === 0n) yield whiteoutOf(path);
  else if (kind !== null) yield* writeSpecial(walk, place, {path, stats, kind});
}

function* walkDirectory(walk: Walk, place: TreePlace, path: ByteString): Generator<Buffer> {
  const fd = unlessVanished(() => openSync(pathOf(place), DIRECTORY_FLAGS));
  if (fd === null) return;
  try {
    const below = path === '' || path === '/' ? path : `${path}/`;
    const self = {directoryFd: fd, name: null};
    const attributes = walk.calls.read(pathOf(self));
    const stats = fstatSync(fd, {bigint: true});
    if (walk.isUpper) requireWhole(attributes, path);
    yield encodeTarHeader({
      path: path === '' ? './' : below,
      type: 'directory',
      ...describe(walk, stats, attributes),
    });
    if (KERNEL_FILE_SYSTEMS.has(statfsSync(pathOf(self)).type)) return;
    const names = readdirSync(pathOf(self), {encoding: 'latin1'}).sort();
    const marked = walk.isUpper ? readMarkedNames(names, attributes) : {content: names, hidden: [], isOpaque: false};
    if (marked.isOpaque) yield opaqueMarkerIn(below);
    for (const name of marked.hidden) yield whiteoutOf(`${below}${name}`);
    for (const name of marked.content)
      yield* walkPlace(walk, {directoryFd: fd, name: Buffer.from(name, 'latin1')}, `${below}${name}`);
  } finally {
    closeSync(fd);
  }
}

function describe({ownerOf}: Walk, stats: BigIntStats, xattrs: ReadonlyMap<string, string> | null) {
  const attributes = attributesOf(stats, xattrs);
  return ownerOf ? {...attributes, ...ownerOf(attributes)} : attributes;
}

interface FoundFile {
  readonly path: ByteString;
  readonly stats: BigIntStats;
}

function* writeFile(walk: Walk, place: TreePlace, {path, stats: seen}: FoundFile): Generator<Buffer> {
  if (yield* writeLink(walk, {path, stats: seen})) return;
  const fd = unlessVanished(() => openSync(pathOf(place), FILE_FLAGS));
  if (fd === null) {
    walk.firstNames.delete(keyOf(seen));
    return;
  }
  try {
    const stats = fstatSync(fd, {bigint: true});
    const attributes = unlessVanished(() => walk.calls.read(pathOf(place)));
    if (walk.isUpper) requireWhole(attributes, path);
    yield encodeTarHeader({path, type: 'file', size: Number(stats.size), ...describe(walk, stats, attributes)});
    yield* readContent(fd, Number(stats.size));
  } finally {
    closeSync(fd);
  }
}

/** As many bytes as were announced: zeros for what a file has lost meanwhile. */
function* readContent(fd: number, size: number): Generator<Buffer> {
  for (let done = 0; done < size; ) {
    const buffer = Buffer.alloc(Math.min(BATCH_BYTES, size - done));
    const count = readSync(fd, buffer, 0, buffer.length, done);
    done += count === 0 ? buffer.length : count;
    yield count === 0 ? buffer : buffer.subarray(0, count);
  }
  yield tarPadding(size);
}

function* writeSpecial(
  walk: Walk,
  place: TreePlace,
  {path, stats, kind}: FoundFile & {readonly kind: Exclude<FileKind, 'file' | 'directory'>},
): Generator<Buffer> {
  if (yield* writeLink(walk, {path, stats})) return;
  const linkTarget = kind === 'symlink' ? unlessVanished(() => readlinkSync(pathOf(place), {encoding: 'latin1'})) : '';
  const attributes = unlessVanished(() => walk.calls.read(pathOf(place)));
  if (linkTarget === null || attributes === null) return;
  const device = Number(stats.rdev);
  yield encodeTarHeader({
    ...{path, type: kind, linkPath: linkTarget, ...describe(walk, stats, attributes)},
    ...{deviceMajor: (device >>> 8) & 0xfff, deviceMinor: (device & 0xff) | ((device >>> 12) & ~0xff)},
  });
}

/** A further name of a file as a link to the first. @returns whether it was one */
function* writeLink(walk: Walk, {path, stats}: FoundFile): Generator<Buffer, boolean> {
  const {firstNames} = walk;
  if (stats.nlink < 2n) return false;
  const key = keyOf(stats);
  const first = firstNames.get(key);
  if (first === undefined) {
    firstNames.set(key, path);
    return false;
  }
  yield encodeTarHeader({path, type: 'hardlink', linkPath: first, ...describe(walk, stats, null)});
  return true;
}

const keyOf = ({dev, ino}: BigIntStats): string => `${dev}:${ino}`;
