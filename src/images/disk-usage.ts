import type {Digest} from '../oci/digest.ts';
import type {Database} from '../store/database.ts';
import {listUnpacked} from '../store/dropped-blobs.ts';
import {type FileSizes, measureFiles} from '../store/file-sizes.ts';
import {listImages} from '../store/image-records.ts';
import {lastUseOf} from '../store/last-use.ts';
import type {StorePaths} from '../store/paths.ts';
import type {Store} from '../store/store.ts';
import {listTagsByImage} from '../store/tags.ts';
import {listFilesByImage} from '../store/usage.ts';
import {listVolumeUses} from '../store/volume-uses.ts';
import {familiarTag, type ImageName} from './inspect.ts';

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

export interface VolumeUsage {
  readonly name: string;
  readonly bytes: number;
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
  /** Named files of containers; reclaimable are those that no container mounts, which only a prune of volumes removes. */
  readonly volumes: SpaceUsage;
  /** The database, locks, directories, merged indexes of images with many layers and what is about to be deleted. */
  readonly otherBytes: number;
  /** Newest first. */
  readonly perImage: readonly ImageUsage[];
  readonly perVolume: readonly VolumeUsage[];
}

/** A file on disk. */
interface MeasuredFile {
  readonly kind: 'blob' | 'layer';
  readonly digest: string;
  readonly bytes: number;
  /** How many images need it. */
  users: number;
  /** Whether one of them has a tag. */
  hasTag: boolean;
}

/**
 * Measures the store's files and says which images need them. Takes no lock: what changes meanwhile may count or not.
 *
 * @throws {WinchError} `STORE_DENIED` | `STORE_IO` | of the database
 */
export function readDiskUsage(store: Store): DiskUsage {
  // Measured while the database is open, whose files are then as they are for everybody else.
  const known = store.read((database) => readImages(database, store.paths), null);
  const {sizes, files, images, unpacked} = known ?? withoutImages(measureFiles(store.paths));
  const claims = store.readClaims();
  const isReclaimable = ({digest, hasTag}: MeasuredFile) => !hasTag && !claims.has(digest);
  const share = (some: readonly MeasuredFile[], count: number): SharedSpaceUsage => ({
    count,
    bytes: total(some),
    sharedBytes: total(some.filter(({users}) => users > 1)),
    uniqueBytes: total(some.filter(({users}) => users === 1)),
    reclaimableBytes: total(some.filter(isReclaimable)),
  });
  const ofKind = (kind: MeasuredFile['kind']) => files.filter((file) => file.kind === kind);
  const used = files.filter(({users}) => users > 0);
  const [partials, containers] = [sum([...sizes.partials.values()]), sum(sizes.containers)];
  const [volumes, volumeUses] = [sum([...sizes.volumes.values()]), listVolumeUses(store.paths)];
  const unmounted = [...sizes.volumes].filter(([name]) => !volumeUses.has(name)).map(([, bytes]) => bytes);
  const unclaimed = [...sizes.partials].filter(([digest]) => !claims.has(digest));
  return {
    totalBytes: sizes.totalBytes,
    images: share(used, images.length),
    layers: share(ofKind('layer'), sizes.layers.size),
    blobs: share(ofKind('blob'), sizes.blobs.size),
    droppableBytes: total(ofKind('blob').filter((file) => unpacked.has(file.digest) && !isReclaimable(file))),
    partials: {count: sizes.partials.size, bytes: partials, reclaimableBytes: sum(unclaimed.map(([, bytes]) => bytes))},
    containers: {count: sizes.containers.length, bytes: containers, reclaimableBytes: 0},
    volumes: {count: sizes.volumes.size, bytes: volumes, reclaimableBytes: sum(unmounted)},
    otherBytes: Math.max(0, sizes.totalBytes - total(files) - partials - containers - volumes),
    perImage: images,
    perVolume: [...sizes.volumes].map(([name, bytes]) => ({name, bytes})),
  };
}

function readImages(database: Database, paths: StorePaths) {
  const sizes = measureFiles(paths);
  const files = unusedFiles(sizes);
  const tags = listTagsByImage(database);
  const filesOf = countUsers(database, files, tags);
  const images = listImages(database).map(({manifestDigest, configDigest, platform}): ImageUsage => {
    const own = filesOf.get(manifestDigest) ?? [];
    const [bytes, uniqueBytes] = [total(own), total(own.filter(({users}) => users === 1))];
    const usedAt = lastUseOf(paths, manifestDigest);
    const lastUsedAt = usedAt === null ? null : new Date(usedAt).toISOString();
    const image = {imageId: configDigest, references: (tags.get(manifestDigest) ?? []).map(familiarTag)};
    return {image, platform, bytes, uniqueBytes, sharedBytes: bytes - uniqueBytes, lastUsedAt};
  });
  const unpacked = listUnpacked(database).filter(({diffId}) => sizes.layers.has(diffId));
  return {sizes, files, images, unpacked: new Set<string>(unpacked.map(({digest}) => digest))};
}

/** Notes in the files who needs them. @returns the files of each image */
function countUsers(
  database: Database,
  files: readonly MeasuredFile[],
  tags: ReadonlyMap<Digest, unknown>,
): ReadonlyMap<Digest, readonly MeasuredFile[]> {
  const byKind = Object.groupBy(files, ({kind}) => kind);
  const byDigest = (some: readonly MeasuredFile[] = []) => new Map(some.map((file) => [file.digest, file]));
  const [blobs, layers] = [byDigest(byKind.blob), byDigest(byKind.layer)];
  const filesOf = new Map<Digest, readonly MeasuredFile[]>();
  for (const [manifestDigest, needed] of listFilesByImage(database)) {
    const own = [
      ...[...needed.blobs].flatMap((digest) => blobs.get(digest) ?? []),
      ...[...needed.layers].flatMap((diffId) => layers.get(diffId) ?? []),
    ];
    filesOf.set(manifestDigest, own);
    for (const file of own) {
      file.users += 1;
      file.hasTag ||= tags.has(manifestDigest);
    }
  }
  return filesOf;
}

const withoutImages = (sizes: FileSizes): ReturnType<typeof readImages> => ({
  sizes,
  files: unusedFiles(sizes),
  images: [],
  unpacked: new Set(),
});

const unusedFiles = ({blobs, layers}: FileSizes): readonly MeasuredFile[] => {
  const unused = {users: 0, hasTag: false};
  return [
    ...[...blobs].map(([digest, bytes]) => ({kind: 'blob' as const, digest, bytes, ...unused})),
    ...[...layers].map(([digest, bytes]) => ({kind: 'layer' as const, digest, bytes, ...unused})),
  ];
};

const total = (files: readonly MeasuredFile[]): number => sum(files.map(({bytes}) => bytes));
const sum = (numbers: readonly number[]): number => numbers.reduce((result, number) => result + number, 0);
