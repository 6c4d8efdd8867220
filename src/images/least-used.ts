import type {Database} from '../store/database.ts';
import {listDropped} from '../store/dropped-blobs.ts';
import type {FileSizes} from '../store/file-sizes.ts';
import {type ImageRecord, listImages} from '../store/image-records.ts';
import {imagesOfIndex} from '../store/index-parts.ts';
import {lastUseOf} from '../store/last-use.ts';
import {listTags} from '../store/tags.ts';
import {listUsedFiles, type UsedFile} from '../store/usage.ts';
import type {ImageContext} from './context.ts';
import {matchesFilter, type PruneFilter} from './prune-filter.ts';

export interface SpaceGoal {
  /** How much the store may take. */
  readonly keepBytes: number;
  /** As the files were before anything was removed. */
  readonly sizes: FileSizes;
  /** Only images for which it holds are chosen. */
  readonly filter: PruneFilter;
  /** By image id: whether it has to stay. */
  readonly isInUse: (imageId: string) => boolean;
}

export interface LeastUsed {
  /** Manifest digests. */
  readonly chosen: ReadonlySet<string>;
  /** What the store takes once they and what nothing needs are gone. */
  readonly storeBytes: number;
}

/**
 * Chooses the images that were not used for the longest time, until what is left of the store is no more than it may
 * take. Images that one tag leads to go together, and none goes while a container runs one of them.
 */
export function chooseLeastUsed(database: Database, context: ImageContext, goal: SpaceGoal): LeastUsed {
  const {sizes, keepBytes} = goal;
  const files = findNeededFiles(database, sizes);
  const filesOf = groupByUser(files);
  let storeBytes = files.reduce((sum, {bytes}) => sum + bytes, fixedBytes(sizes));
  const chosen = new Set<string>();
  for (const family of removableFamilies(database, context, goal)) {
    if (storeBytes <= keepBytes) break;
    for (const digest of family) {
      chosen.add(digest);
      storeBytes -= takeUser(filesOf.get(digest) ?? [], digest);
    }
  }
  return {chosen, storeBytes};
}

/** What is neither a blob nor a layer nor about to go. */
function fixedBytes({totalBytes, blobs, layers, partials, leftovers}: FileSizes): number {
  const parts = [...blobs.values(), ...layers.values(), ...partials.values(), ...leftovers];
  return Math.max(0, totalBytes - parts.reduce((sum, bytes) => sum + bytes, 0));
}

interface NeededFile {
  readonly bytes: number;
  readonly users: Set<string>;
}

function findNeededFiles(database: Database, sizes: FileSizes): readonly NeededFile[] {
  const dropped = new Set<string>(listDropped(database).map(({digest}) => digest));
  const isKept = ({kind, digest}: UsedFile) => kind === 'layer' || !dropped.has(digest);
  const uses = Map.groupBy(listUsedFiles(database).filter(isKept), ({kind, digest}) => `${kind} ${digest}`);
  return [...uses.values()].flatMap((usesOfFile) => {
    const [file] = usesOfFile;
    const bytes = file && (file.kind === 'blob' ? sizes.blobs : sizes.layers).get(file.digest);
    if (bytes === undefined) return [];
    return [{bytes, users: new Set<string>(usesOfFile.map(({manifestDigest}) => manifestDigest))}];
  });
}

function groupByUser(files: readonly NeededFile[]): ReadonlyMap<string, readonly NeededFile[]> {
  const pairs = files.flatMap((file) => [...file.users].map((user) => ({user, file})));
  const groups = Map.groupBy(pairs, ({user}) => user);
  return new Map([...groups].map(([user, members]) => [user, members.map(({file}) => file)]));
}

/** @returns how many bytes nobody needs any more */
function takeUser(files: readonly NeededFile[], user: string): number {
  const freed = files.filter(({users}) => users.delete(user) && users.size === 0);
  return freed.reduce((sum, {bytes}) => sum + bytes, 0);
}

/** Those that may go, the one that was not used for the longest time first. */
function removableFamilies(
  database: Database,
  context: ImageContext,
  {filter, isInUse}: SpaceGoal,
): readonly (readonly string[])[] {
  const {store} = context;
  const isRemovable = (image: ImageRecord) => !isInUse(image.configDigest) && matchesFilter(store, image, filter);
  const images = new Map(listImages(database).map((image) => [image.manifestDigest as string, image]));
  const lastUse = (family: readonly ImageRecord[]) =>
    Math.max(...family.map((image) => lastUseOf(store.paths, image.manifestDigest) ?? 0));
  return findFamilies(database, [...images.keys()])
    .map((family) => family.flatMap((digest) => images.get(digest) ?? []))
    .filter((family) => family.every(isRemovable))
    .map((family) => ({digests: family.map(({manifestDigest}) => manifestDigest), usedAt: lastUse(family)}))
    .toSorted((a, b) => a.usedAt - b.usedAt)
    .map(({digests}) => digests);
}

/** Images in groups that no tag tears apart. */
function findFamilies(database: Database, digests: readonly string[]): readonly (readonly string[])[] {
  const familyOf = new Map(digests.map((digest) => [digest, new Set([digest])]));
  for (const {manifestDigest, targetDigest} of listTags(database)) {
    const members = imagesOfIndex(database, targetDigest).map((image) => image.manifestDigest as string);
    const merged = new Set([manifestDigest, ...members].flatMap((member) => [...(familyOf.get(member) ?? [])]));
    for (const member of merged) familyOf.set(member, merged);
  }
  return [...new Set(familyOf.values())].map((family) => [...family]);
}
