import {readFileSync} from 'node:fs';
import {hasErrno, isWinchError} from '../../errors.ts';
import {storageError} from '../../host/storage-error.ts';
import type {Descriptor} from '../../oci/descriptor.ts';
import type {Digest} from '../../oci/digest.ts';
import {NAME_ANNOTATION} from '../../oci/image-layout.ts';
import {parseManifestDocument} from '../../oci/manifest.ts';
import {OCI_INDEX} from '../../oci/media-types.ts';
import type {StorePaths} from '../../store/paths.ts';
import type {Salvage, SalvagedEvent, SalvagedTag} from '../../store/salvage.ts';

/** An image that is to be recorded again. */
export interface LostImage {
  /** Null: it had no tag. */
  readonly reference: string | null;
  /** What the tag leads to: an index or a manifest. */
  readonly targetDigest: Digest;
  /** The image that was chosen from it; null: it is not known which. */
  readonly manifestDigest: Digest | null;
  /** When the tag came to name it, milliseconds since 1970; null: unknown. */
  readonly updatedAt: number | null;
}

/** What index.json lists; null: it is not there, or damaged. */
export function readLayoutEntries({layoutIndex: path}: StorePaths): readonly Descriptor[] | null {
  try {
    const document = parseManifestDocument(readFileSync(path), {contentType: OCI_INDEX, where: path});
    return document.kind === 'index' ? document.manifests : null;
  } catch (error) {
    if (isWinchError(error) || hasErrno(error, 'ENOENT', 'EISDIR')) return null;
    throw storageError(error, path);
  }
}

/**
 * What the tags named, by three records that were made apart from each other: the tags, the last events of their
 * histories, and index.json. Two that agree are right; where tag and history contradict each other index.json decides,
 * and without it both are taken, since a name too many does less harm than one too few.
 */
export function chooseTags(
  {tags, events}: Pick<Salvage, 'tags' | 'events'>,
  entries: readonly Descriptor[] | null,
): readonly LostImage[] {
  const listed = entries && listedTargets(entries);
  const latest = new Map(events.map((event) => [event.reference, event]));
  const set = new Map(tags.map((tag) => [tag.reference, tag]));
  const names = new Set<string>([...set.keys(), ...latest.keys(), ...(listed?.keys() ?? [])]);
  return [...names].flatMap((reference) => {
    const said = {tag: set.get(reference), event: latest.get(reference), target: listed?.get(reference)};
    return chooseTag(reference, said, listed !== null) ?? [];
  });
}

const listedTargets = (entries: readonly Descriptor[]): ReadonlyMap<string, Digest> =>
  new Map(
    entries.flatMap((entry) => {
      const name = nameOf(entry);
      return name === undefined ? [] : [[name, entry.digest] as const];
    }),
  );

interface Said {
  readonly tag: SalvagedTag | undefined;
  readonly event: SalvagedEvent | undefined;
  /** According to index.json. */
  readonly target: Digest | undefined;
}

/** Null: there was no such tag. */
function chooseTag(reference: string, {tag, event, target}: Said, isListed: boolean): LostImage | null {
  const isAgreed = tag !== undefined && event?.manifestDigest === tag.manifestDigest;
  const isRemoved = event !== undefined && event.manifestDigest === null;
  if (!isAgreed && target === undefined && (isListed || isRemoved)) return null;
  const candidates = [...(event ? [{...event, updatedAt: event.happenedAt}] : []), ...(tag ? [tag] : [])];
  const fitting = target === undefined ? candidates : candidates.filter(({targetDigest}) => targetDigest === target);
  const [chosen] = fitting;
  const targetDigest = chosen?.targetDigest ?? target ?? null;
  if (targetDigest === null) return null;
  const {manifestDigest = null, updatedAt = null} = chosen ?? {};
  return {reference, targetDigest, manifestDigest, updatedAt};
}

/** Images that index.json lists without a name. */
export const listUnnamed = (entries: readonly Descriptor[]): readonly LostImage[] =>
  entries
    .filter((entry) => nameOf(entry) === undefined)
    .map(({digest}) => ({reference: null, targetDigest: digest, manifestDigest: digest, updatedAt: null}));

const nameOf = ({annotations}: Descriptor): string | undefined => annotations?.[NAME_ANNOTATION];
