import {isWinchError, WinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import type {ContentSource} from '../../media/content.ts';
import {openDockerArchiveSource} from '../../media/docker-archive-source.ts';
import {DOCKER_MANIFEST_FILE, DOCKER_MANIFEST_LIMIT_BYTES, parseDockerManifest} from '../../media/docker-manifest.ts';
import {type FileSet, readSmallFile} from '../../media/file-set.ts';
import {nameOf, readLayoutIndex} from '../../media/layout-index.ts';
import {openLayoutSource, readSubjects} from '../../media/layout-source.ts';
import type {Selection} from '../../media/location.ts';
import type {Descriptor} from '../../oci/descriptor.ts';
import type {ImageIndex} from '../../oci/image-index.ts';
import {FULL_NAME_ANNOTATION} from '../../oci/image-layout.ts';
import {isIndexType, isManifestType} from '../../oci/media-types.ts';
import {familiarReference, parseReference} from '../../oci/reference.ts';

/** One image of an archive; its source reads from files that are the caller's to close. */
export interface ArchivedImage {
  readonly source: ContentSource;
  /** Whole names, as people write them; empty where the archive says none. */
  readonly names: readonly string[];
}

/**
 * The images of an archive or a layout, in the order of its list, with all their names.
 *
 * @throws {WinchError} `ARCHIVE_INVALID`: it has no list of images, or an empty one | `LIMIT_FILE` | `DIGEST_MISMATCH` …
 */
export async function listArchivedImages(files: FileSet, options: CallOptions): Promise<readonly ArchivedImage[]> {
  const shared: FileSet = {...files, close: async () => {}};
  const index = await readLayoutIndex(shared, options.signal);
  const images = index ? await fromLayout(shared, index, options) : await fromDocker(shared, options);
  if (images.length > 0) return images;
  throw invalid(files.name, 'has no image');
}

async function fromDocker(files: FileSet, options: CallOptions): Promise<readonly ArchivedImage[]> {
  const {name} = files;
  const limits = {path: DOCKER_MANIFEST_FILE, limitBytes: DOCKER_MANIFEST_LIMIT_BYTES, signal: options.signal};
  const bytes = await readSmallFile(files, limits);
  if (bytes === null) throw invalid(name, `has neither index.json nor ${DOCKER_MANIFEST_FILE}`);
  const images: ArchivedImage[] = [];
  for (const [position, {tags}] of parseDockerManifest(bytes, name).entries()) {
    const source = await openDockerArchiveSource({name, files, selection: {by: 'position', position}}, options);
    images.push({source, names: [...new Set(tags.flatMap(wholeName))]});
  }
  return images;
}

/** The entries that one name has: one image, or its platforms. */
interface Group {
  readonly entries: Descriptor[];
  readonly selection: Selection;
  readonly names: readonly string[];
}

async function fromLayout(files: FileSet, index: ImageIndex, options: CallOptions): Promise<readonly ArchivedImage[]> {
  const referrers = [...(await readSubjects(files, index, options)).values()].flat();
  const groups = groupByName(index, (entry) => !referrers.includes(entry));
  const images = new Map<string, ArchivedImage>();
  for (const {entries, names, selection} of groups) {
    const key = new Set(entries.map(({digest}) => digest)).size === 1 ? entries[0]?.digest : undefined;
    const known = images.get(key ?? '');
    const source = known?.source ?? (await openLayoutSource({name: files.name, files, selection}, options));
    images.set(key ?? String(images.size), {source, names: [...new Set([...(known?.names ?? []), ...names])]});
  }
  return [...images.values()];
}

function groupByName(index: ImageIndex, isWanted: (entry: Descriptor) => boolean): readonly Group[] {
  const groups = new Map<string, Group>();
  const entries = index.manifests.filter(({mediaType}) => isManifestType(mediaType) || isIndexType(mediaType));
  for (const [position, entry] of entries.entries()) {
    if (!isWanted(entry)) continue;
    const full = entry.annotations?.[FULL_NAME_ANNOTATION];
    const name = full ?? nameOf(entry);
    const key = name ?? `@${position}`;
    const known = groups.get(key);
    if (known && name !== undefined)
      groups.set(key, {...known, entries: [...known.entries, entry], selection: {by: 'name', name}});
    else groups.set(key, {entries: [entry], names: namesOf(full, name), selection: {by: 'position', position}});
  }
  return [...groups.values()];
}

/** What the spec calls a name may be a tag alone, or any word. */
function namesOf(full: string | undefined, name: string | undefined): readonly string[] {
  if (full !== undefined) return wholeName(full);
  if (name === undefined || !/[:/]/.test(name)) return [];
  try {
    return wholeName(name);
  } catch (error) {
    if (isWinchError(error, 'REFERENCE_INVALID')) return [];
    throw error;
  }
}

/** A digest is no name that an archive could give. */
function wholeName(text: string): readonly string[] {
  if (text === '<none>:<none>') return [];
  const reference = parseReference(text);
  return reference.digest === null ? [familiarReference(reference)] : [];
}

const invalid = (archive: string, fault: string): WinchError =>
  new WinchError('ARCHIVE_INVALID', `${archive} ${fault}`, {
    kind: 'refused',
    hint: 'it is no archive or layout of images, or it is damaged',
  });
