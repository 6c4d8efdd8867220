import type {Digest} from '../oci/digest.ts';
import type {Database} from '../store/database.ts';
import {listUnpacked} from '../store/dropped-blobs.ts';
import {type FileSizes, measureFiles} from '../store/file-sizes.ts';
import {listImages} from '../store/image-records.ts';
import {lastUseOf} from '../store/last-use.ts';
import type {StorePaths} from '../store/paths.ts';
import type {Store} from '../store/store.ts';
import {listUsedFiles, type UsedFile} from '../store/usage.ts';
import {type ImageName, nameImage} from './inspect.ts';

/** Things on disk; sizes are bytes as files have them, the directories they have to themselves included. */
export interface SpaceUsage {
  readonly count: number;
  readonly bytes: number;
  /** What a prune would free now, beside those who work with the rest; of unfinished downloads, one that takes those too. */
  readonly reclaimableBytes: number;
}

/** `bytes` is `sharedBytes` and `uniqueBytes`, and what no image needs. */
export interface SharedSpaceUsage extends SpaceUsage {
  /** What several images need. */
  readonly sharedBytes: number;
  /** What one image needs. */
  readonly uniqueBytes: number;
}

export interface ImageUsage {
  readonly image: ImageName;
  readonly platform: string;
  readonly bytes: number;
  /** What some other image needs as well. */
  readonly sharedBytes: number;
  /** What removing this image alone would free. */
  readonly uniqueBytes: number;
  /** ISO 8601 time when it was pulled, loaded, run, exported or pushed last; null: its manifest is not there. */
  readonly lastUsedAt: string | null;
}

export interface DiskUsage {
  /** The root directory and all that is below it, as `du --apparent-size` has it. */
  readonly totalBytes: number;
  /** What images need: part of `layers` and `blobs`. */
  readonly images: SharedSpaceUsage;
  /** Unpacked layers, ready to be mounted. */
  readonly layers: SharedSpaceUsage;
  /** As received: compressed layers, manifests, indexes and configs. */
  readonly blobs: SharedSpaceUsage;
  /** Compressed copies of unpacked layers that images need: what a prune of blobs frees besides `reclaimableBytes`. */
  readonly droppableBytes: number;
  /** Unfinished downloads. */
  readonly partials: SpaceUsage;
  /** What running containers have written. */
  readonly containers: SpaceUsage;
  /** The database, locks, directories and what is about to be deleted. */
  readonly otherBytes: number;
  /** Newest first. */
  readonly perImage: readonly ImageUsage[];
}

/** A file on disk with the images that need it. */
interface MeasuredFile {
  readonly kind: UsedFile['kind'];
  readonly digest: string;
  readonly bytes: number;
  readonly users: readonly Digest[];
}

/**
 * Measures the store's files and says which images need them. Takes no lock: what changes meanwhile may count or not.
 *
 * @throws {WinchError} `STORE_DENIED` | `STORE_IO` | of the database
 */
export function readDiskUsage(store: Store): DiskUsage {
  // Measured while the database is open, whose files are then as they are for everybody else.
  const known = store.read((database) => readImages(database, store.paths), null);
  const {sizes, files, images, tagged, unpacked} = known ?? withoutImages(measureFiles(store.paths));
  const claims = store.readClaims();
  const isReclaimable = ({digest, users}: MeasuredFile) =>
    !users.some((user) => tagged.has(user)) && !claims.has(digest);
  const share = (some: readonly MeasuredFile[], count: number): SharedSpaceUsage => ({
    count,
    bytes: total(some),
    sharedBytes: total(some.filter(({users}) => users.length > 1)),
    uniqueBytes: total(some.filter(({users}) => users.length === 1)),
    reclaimableBytes: total(some.filter(isReclaimable)),
  });
  const ofKind = (kind: UsedFile['kind']) => files.filter((file) => file.kind === kind);
  const used = files.filter(({users}) => users.length > 0);
  const [partials, containers] = [sum([...sizes.partials.values()]), sum(sizes.containers)];
  const unclaimed = [...sizes.partials].filter(([digest]) => !claims.has(digest));
  return {
    totalBytes: sizes.totalBytes,
    images: share(used, images.length),
    layers: share(ofKind('layer'), sizes.layers.size),
    blobs: share(ofKind('blob'), sizes.blobs.size),
    droppableBytes: total(ofKind('blob').filter((file) => unpacked.has(file.digest) && !isReclaimable(file))),
    partials: {count: sizes.partials.size, bytes: partials, reclaimableBytes: sum(unclaimed.map(([, bytes]) => bytes))},
    containers: {count: sizes.containers.length, bytes: containers, reclaimableBytes: 0},
    otherBytes: Math.max(0, sizes.totalBytes - total(files) - partials - containers),
    perImage: images,
  };
}

function readImages(database: Database, paths: StorePaths) {
  const sizes = measureFiles(paths);
  const used = listUsedFiles(database);
  const usersOf = Map.groupBy(used, ({kind, digest}) => `${kind} ${digest}`);
  const files = unusedFiles(sizes).map(({kind, bytes, digest}) => {
    const users = (usersOf.get(`${kind} ${digest}`) ?? []).map(({manifestDigest}) => manifestDigest);
    return {kind, bytes, digest, users};
  });
  const filesOf = groupByUser(files);
  const images = listImages(database).map(({manifestDigest, platform}) => {
    const own = filesOf.get(manifestDigest) ?? [];
    const uniqueBytes = total(own.filter(({users}) => users.length === 1));
    const bytes = total(own);
    const image = nameImage(database, manifestDigest);
    const usedAt = lastUseOf(paths, manifestDigest);
    const lastUsedAt = usedAt === null ? null : new Date(usedAt).toISOString();
    return {image, platform, manifestDigest, bytes, uniqueBytes, sharedBytes: bytes - uniqueBytes, lastUsedAt};
  });
  const tagged = images.filter(({image}) => image.references.length > 0).map(({manifestDigest}) => manifestDigest);
  const unpacked = listUnpacked(database).filter(({diffId}) => sizes.layers.has(diffId));
  return {
    sizes,
    files,
    images: images.map(({manifestDigest: _, ...image}) => image),
    tagged: new Set(tagged),
    unpacked: new Set<string>(unpacked.map(({digest}) => digest)),
  };
}

const withoutImages = (sizes: FileSizes): ReturnType<typeof readImages> => ({
  sizes,
  files: unusedFiles(sizes),
  images: [],
  tagged: new Set(),
  unpacked: new Set(),
});

const unusedFiles = ({blobs, layers}: FileSizes) => [
  ...[...blobs].map(([digest, bytes]) => ({kind: 'blob' as const, digest, bytes, users: []})),
  ...[...layers].map(([digest, bytes]) => ({kind: 'layer' as const, digest, bytes, users: []})),
];

function groupByUser(files: readonly MeasuredFile[]): ReadonlyMap<Digest, readonly MeasuredFile[]> {
  const pairs = files.flatMap((file) => file.users.map((user) => ({user, file})));
  const groups = Map.groupBy(pairs, ({user}) => user);
  return new Map([...groups].map(([user, members]) => [user, members.map(({file}) => file)]));
}

const total = (files: readonly MeasuredFile[]): number => sum(files.map(({bytes}) => bytes));
const sum = (numbers: readonly number[]): number => numbers.reduce((result, number) => result + number, 0);
