import {isWinchError} from '../errors.ts';
import type {CallOptions} from '../events.ts';
import type {Descriptor} from '../oci/descriptor.ts';
import type {Digest} from '../oci/digest.ts';
import {isForeignLayer, isIndexType, isManifestType} from '../oci/media-types.ts';
import type {FileSet} from './file-set.ts';
import {nameOf, readLayoutIndex} from './layout-index.ts';
import type {LayoutName} from './layout-names.ts';
import {blobPath, readBlobDocument, readSubjects} from './layout-source.ts';

const DEPTH_LIMIT = 4;

/** What a name leads to in a layout; null: nothing, or something of which a part is missing. */
export async function findWholeImage(files: FileSet, {name}: LayoutName, options: CallOptions): Promise<Digest | null> {
  try {
    const index = await readLayoutIndex(files, options.signal);
    if (index === null) return null;
    const referrers = name === null ? [...(await readSubjects(files, index, options)).values()].flat() : [];
    const entries = index.manifests.filter((entry) => (nameOf(entry) ?? null) === name && !referrers.includes(entry));
    const [entry, ...others] = entries;
    if (!entry || others.length > 0) return null;
    return (await isWhole(files, {entry, depth: 1}, options)) ? entry.digest : null;
  } catch (error) {
    if (isWinchError(error) && ['refused', 'not-found', 'invalid'].includes(error.kind)) return null;
    throw error;
  }
}

interface Place {
  readonly entry: Descriptor;
  readonly depth: number;
}

async function isWhole(files: FileSet, {entry, depth}: Place, options: CallOptions): Promise<boolean> {
  const {document} = await readBlobDocument(files, entry, options);
  if (document.kind === 'manifest') {
    const blobs = [document.config, ...document.layers.filter(({mediaType}) => !isForeignLayer(mediaType))];
    return await allOf(blobs, async ({digest, size}) => (await files.find(blobPath(digest)))?.size === size);
  }
  if (depth > DEPTH_LIMIT) return false;
  const members = document.manifests.filter(({mediaType}) => isManifestType(mediaType) || isIndexType(mediaType));
  return await allOf(members, (member) => isWhole(files, {entry: member, depth: depth + 1}, options));
}

async function allOf<T>(items: readonly T[], holds: (item: T) => Promise<boolean>): Promise<boolean> {
  for (const item of items) if (!(await holds(item))) return false;
  return true;
}
