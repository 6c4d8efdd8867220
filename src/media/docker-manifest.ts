import {isArray, isNonEmptyString, isNullOrUndefined, isPlainObject, isString} from '@sindresorhus/is';
import {isWinchError, WinchError} from '../errors.ts';
import {excerpt} from '../oci/excerpt.ts';
import {familiarReference, parseReference} from '../oci/reference.ts';
import {parseStrictJson} from '../oci/strict-json.ts';
import {formatSelection, type Selection} from './location.ts';

export const DOCKER_MANIFEST_FILE = 'manifest.json';
/** A thousand images of a hundred layers have less. */
export const DOCKER_MANIFEST_LIMIT_BYTES = 1024 * 1024;
const LISTED_NAMES = 20;

/** One image of docker's archives; paths are those of files in the archive. */
export interface DockerManifestEntry {
  readonly config: string;
  readonly tags: readonly string[];
  /** Base first. */
  readonly layers: readonly string[];
}

/**
 * The list of images in an archive that `docker save` or a tool like it wrote.
 *
 * @throws {WinchError} `ARCHIVE_INVALID`
 * @see moby/docker-image-spec v1.3.1 spec.md#combined-image-json--filesystem-changeset-format
 */
export function parseDockerManifest(bytes: Buffer, where: string): readonly DockerManifestEntry[] {
  const what = `${DOCKER_MANIFEST_FILE} of ${where}`;
  const codes = {invalid: 'ARCHIVE_INVALID', tooLarge: 'LIMIT_FILE', ambiguous: 'ARCHIVE_INVALID'};
  const value = parseStrictJson(bytes, {what, limitBytes: DOCKER_MANIFEST_LIMIT_BYTES, codes});
  if (!isArray(value)) throw invalid(what, 'is no list');
  return value.map((entry, at) => parseEntry(entry, `${what}: entry ${at}`));
}

/** @throws {WinchError} `IMAGE_UNKNOWN` | `IMAGE_AMBIGUOUS`: the names that are there are listed */
export function chooseDockerImage(
  entries: readonly DockerManifestEntry[],
  selection: Selection | null,
  where: string,
): DockerManifestEntry {
  const fitting = entries.filter((entry, at) => isSelected(entry, at, selection));
  const [first, ...others] = fitting;
  if (first && others.length === 0) return first;
  const names = listNames(entries);
  if (first) {
    throw new WinchError('IMAGE_AMBIGUOUS', `${where} has ${fitting.length} images`, {
      kind: 'invalid',
      hint: `choose one of ${names}`,
    });
  }
  const wanted = selection === null ? 'no image' : `no image ${excerpt(formatSelection(selection))}`;
  throw new WinchError('IMAGE_UNKNOWN', `${where} has ${wanted}`, {
    kind: 'not-found',
    hint: entries.length === 0 ? 'it is empty' : `it has ${names}`,
  });
}

function parseEntry(value: unknown, where: string): DockerManifestEntry {
  if (!isPlainObject(value)) throw invalid(where, 'is no object');
  const {Config: config, RepoTags: tags, Layers: layers} = value;
  if (!isNonEmptyString(config)) throw invalid(where, 'names no config');
  return {config, tags: readStrings(tags, `${where}: RepoTags`), layers: readStrings(layers, `${where}: Layers`)};
}

function readStrings(value: unknown, where: string): readonly string[] {
  if (isNullOrUndefined(value)) return [];
  if (isArray(value, isString)) return value;
  throw invalid(where, 'is no list of texts');
}

function isSelected({tags}: DockerManifestEntry, at: number, selection: Selection | null): boolean {
  if (selection === null) return true;
  if (selection.by === 'position') return at === selection.position;
  return tags.some((tag) => tag === selection.name || familiar(tag) === selection.name);
}

function familiar(tag: string): string | null {
  try {
    return familiarReference(parseReference(tag));
  } catch (error) {
    if (isWinchError(error, 'REFERENCE_INVALID')) return null;
    throw error;
  }
}

const listNames = (entries: readonly DockerManifestEntry[]): string =>
  entries
    .flatMap(({tags}, at) => (tags.length > 0 ? tags.map(excerpt) : [`@${at}`]))
    .slice(0, LISTED_NAMES)
    .join(', ');

const invalid = (where: string, fault: string): WinchError =>
  new WinchError('ARCHIVE_INVALID', `${where} ${fault}`, {
    kind: 'refused',
    hint: 'it is damaged, or was written by a broken tool',
  });
