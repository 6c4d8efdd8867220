import {isWinchError, WinchError} from '../errors.ts';
import type {Descriptor} from '../oci/descriptor.ts';
import {excerpt} from '../oci/excerpt.ts';
import type {ImageIndex} from '../oci/image-index.ts';
import {FULL_NAME_ANNOTATION, INDEX_FILE, NAME_ANNOTATION} from '../oci/image-layout.ts';
import {parseManifestDocument} from '../oci/manifest.ts';
import {isIndexType, isManifestType, OCI_INDEX} from '../oci/media-types.ts';
import {familiarReference, parseReference} from '../oci/reference.ts';
import {type FileSet, readSmallFile} from './file-set.ts';
import {formatSelection, type Selection} from './location.ts';

/** As much as manifests may have. */
export const INDEX_LIMIT_BYTES = 4 * 1024 * 1024;
const LISTED_NAMES = 20;

/**
 * The index of a layout; null: there is none.
 *
 * @throws {WinchError} `LIMIT_FILE` (4 MiB) | as `parseManifestDocument`
 * @see image-spec v1.1.1 image-layout.md#indexjson-file
 */
export async function readLayoutIndex(files: FileSet, signal?: AbortSignal): Promise<ImageIndex | null> {
  const bytes = await readSmallFile(files, {path: INDEX_FILE, limitBytes: INDEX_LIMIT_BYTES, signal});
  if (bytes === null) return null;
  const where = `${INDEX_FILE} of ${files.name}`;
  const document = parseManifestDocument(bytes, {contentType: OCI_INDEX, where});
  if (document.kind !== 'index') throw new Error('an index was asked for');
  return document;
}

/** What the names of a layout's images lead to. */
export type LayoutChoice =
  | {readonly kind: 'entry'; readonly entry: Descriptor}
  /** The platforms of one image, listed without an index of their own. */
  | {readonly kind: 'platforms'; readonly entries: readonly Descriptor[]};

/**
 * The image that is meant.
 *
 * @throws {WinchError} `IMAGE_UNKNOWN` | `IMAGE_AMBIGUOUS`: the names that are there are listed
 */
export function chooseImage({manifests}: ImageIndex, selection: Selection | null, where: string): LayoutChoice {
  const entries = manifests.filter((entry) => isManifestType(entry.mediaType) || isIndexType(entry.mediaType));
  const fitting = entries.filter((entry, at) => isSelected(entry, at, selection));
  const [first, ...others] = fitting;
  if (first === undefined) throw unknown(entries, selection, where);
  if (others.length === 0) return {kind: 'entry', entry: first};
  if (others.every(({digest}) => digest === first.digest)) return {kind: 'entry', entry: first};
  if (arePlatforms(fitting)) return {kind: 'platforms', entries: fitting};
  throw ambiguous(fitting, where);
}

export const nameOf = ({annotations}: Descriptor): string | undefined => annotations?.[NAME_ANNOTATION];

function isSelected(entry: Descriptor, at: number, selection: Selection | null): boolean {
  if (selection === null) return true;
  if (selection.by === 'position') return at === selection.position;
  const full = entry.annotations?.[FULL_NAME_ANNOTATION];
  return nameOf(entry) === selection.name || isSameReference(full ?? nameOf(entry), selection.name);
}

function isSameReference(name: string | undefined, wanted: string): boolean {
  if (name === undefined || !/[:/]/.test(name)) return false;
  try {
    return familiarReference(parseReference(name)) === familiarReference(parseReference(wanted));
  } catch (error) {
    if (isWinchError(error, 'REFERENCE_INVALID')) return false;
    throw error;
  }
}

/** Manifests of one name that each are for another platform. */
function arePlatforms(entries: readonly Descriptor[]): boolean {
  const platforms = new Set(entries.map(({platform}) => platform && JSON.stringify(platform)));
  const areManifests = entries.every(({mediaType, platform}) => isManifestType(mediaType) && platform !== undefined);
  return areManifests && platforms.size === entries.length && new Set(entries.map(nameOf)).size === 1;
}

function unknown(entries: readonly Descriptor[], selection: Selection | null, where: string): WinchError {
  const wanted = selection === null ? 'no image' : `no image ${excerpt(formatSelection(selection))}`;
  return new WinchError('IMAGE_UNKNOWN', `${where} has ${wanted}`, {
    kind: 'not-found',
    hint: entries.length === 0 ? 'it is empty' : `it has ${listNames(entries)}`,
  });
}

const ambiguous = (entries: readonly Descriptor[], where: string): WinchError =>
  new WinchError('IMAGE_AMBIGUOUS', `${where} has ${entries.length} images`, {
    kind: 'invalid',
    hint: `choose one of ${listNames(entries)}`,
  });

const listNames = (entries: readonly Descriptor[]): string =>
  entries
    .slice(0, LISTED_NAMES)
    .map((entry, at) => excerpt(nameOf(entry) ?? entry.annotations?.[FULL_NAME_ANNOTATION] ?? `@${at}`))
    .join(', ');
