import {isWinchError} from '../errors.ts';
import type {CallOptions} from '../events.ts';
import {CONFIG_LIMIT_BYTES, parseImageConfig} from '../oci/image-config.ts';
import {familiarReference, parseReference} from '../oci/reference.ts';
import type {Database} from '../store/database.ts';
import {deleteImage, type ImageRecord, listImages} from '../store/image-records.ts';
import {imagesOfIndex} from '../store/index-parts.ts';
import type {Store} from '../store/store.ts';
import {deleteTag, listTags, type TagRecord, tagsOf} from '../store/tags.ts';
import type {ImageContext} from './context.ts';
import {forgetDeadContainers, readImagesInUse} from './images-in-use.ts';
import {freeSpace, type RemovalReport} from './remove.ts';

export interface LabelFilter {
  readonly name: string;
  /** Null: whatever the value is. */
  readonly value: string | null;
  /** Whether images with the label stay, instead of those without. */
  readonly isExcluded: boolean;
}

export interface PruneOptions extends CallOptions {
  /** Whether images that have tags go as well. */
  readonly all?: boolean | undefined;
  /** Only images made before, in milliseconds since 1970; those that do not say when they were made stay. */
  readonly createdBefore?: number | undefined;
  /** Only images for which all of these hold. */
  readonly labels?: readonly LabelFilter[] | undefined;
  /** Whether unfinished downloads go at once, instead of when nobody has gone on with them for 7 days. */
  readonly partials?: boolean | undefined;
  /** Whether nothing is removed, and only said what would be. */
  readonly isDryRun?: boolean | undefined;
}

/**
 * Removes images that no tag names, or all that no container runs, and every file that nothing needs.
 *
 * An image stays while a container runs it, and so does everything that a tag of such an image leads to. While a pull,
 * a bundle or the start of a container is under way nothing at all is removed: `freedBytes` is null then.
 *
 * @throws {WinchError} of the store
 */
export async function pruneImages(context: ImageContext, options: PruneOptions = {}): Promise<RemovalReport> {
  const {store} = context;
  const {isDryRun, partials: takesPartials, signal} = options;
  signal?.throwIfAborted();
  await forgetDeadContainers(store);
  let removed: Pick<RemovalReport, 'untagged' | 'deleted'> = {untagged: [], deleted: []};
  const remove = (database: Database) => {
    removed = removeUnused(database, chooseImages(database, context, options), context.now());
  };
  const freed = await freeSpace(store, {remove, takesPartials, isDryRun});
  return {...removed, ...freed};
}

function chooseImages(database: Database, context: ImageContext, options: PruneOptions): ReadonlySet<string> {
  const {all = false, createdBefore, labels = []} = options;
  const inUse = readImagesInUse(context.store);
  const isChosen = (image: ImageRecord) =>
    !inUse.has(image.configDigest) &&
    (all || tagsOf(database, image.manifestDigest).length === 0) &&
    (createdBefore === undefined || isOlder(image, createdBefore)) &&
    (labels.length === 0 || hasLabels(context.store, image, labels));
  const chosen = new Set<string>(
    listImages(database)
      .filter(isChosen)
      .map(({manifestDigest}) => manifestDigest),
  );
  keepSiblings(database, chosen);
  return chosen;
}

/** Takes back every image of a tag of which not all images are to go, until each tag goes whole or stays whole. */
function keepSiblings(database: Database, chosen: Set<string>): void {
  const families = listTags(database).map((tag) => membersOf(database, tag));
  const isTorn = (members: readonly string[]) =>
    members.some((member) => chosen.has(member)) && !members.every((member) => chosen.has(member));
  for (let torn = families.filter(isTorn); torn.length > 0; torn = families.filter(isTorn)) {
    for (const member of torn.flat()) chosen.delete(member);
  }
}

const membersOf = (database: Database, {manifestDigest, targetDigest}: TagRecord): readonly string[] => [
  manifestDigest,
  ...imagesOfIndex(database, targetDigest).map((image) => image.manifestDigest),
];

function removeUnused(
  database: Database,
  chosen: ReadonlySet<string>,
  removedAt: number,
): Pick<RemovalReport, 'untagged' | 'deleted'> {
  const tags = listTags(database).filter(({manifestDigest}) => chosen.has(manifestDigest));
  for (const {reference} of tags) deleteTag(database, reference, removedAt);
  const images = listImages(database).filter(({manifestDigest}) => chosen.has(manifestDigest));
  for (const {manifestDigest} of images) deleteImage(database, manifestDigest);
  return {
    untagged: tags.map(({reference}) => familiarReference(parseReference(reference))),
    deleted: images.map(({configDigest}) => configDigest),
  };
}

const isOlder = ({created}: ImageRecord, limit: number): boolean => created !== null && Date.parse(created) < limit;

function hasLabels(store: Store, {configDigest}: ImageRecord, filters: readonly LabelFilter[]): boolean {
  const labels = readLabels(store, configDigest);
  if (labels === null) return false;
  return filters.every(({name, value, isExcluded}) => {
    const hasLabel = Object.hasOwn(labels, name) && (value === null || labels[name] === value);
    return hasLabel !== isExcluded;
  });
}

/** Null where the config is damaged: nothing is known of such an image. */
function readLabels(store: Store, digest: ImageRecord['configDigest']): Readonly<Record<string, string>> | null {
  try {
    const bytes = store.blobs.read(digest, CONFIG_LIMIT_BYTES);
    return parseImageConfig(bytes, {where: `stored config ${digest}`}).config.Labels ?? {};
  } catch (error) {
    if (isWinchError(error) && (error.kind === 'corrupt' || error.kind === 'refused')) return null;
    throw error;
  }
}
