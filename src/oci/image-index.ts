import {WinchError} from '../errors.ts';
import {definedMembers} from './defined-members.ts';
import {type Annotations, type Descriptor, parseDescriptor, readAnnotations, readString} from './descriptor.ts';
import type {JsonObject} from './strict-json.ts';

/** A list of manifests, one for each platform (image-spec v1.1.1 image-index.md); Docker's manifest list as well. */
export interface ImageIndex {
  readonly kind: 'index';
  readonly mediaType: string;
  /** At most 10 000, in the order of the document. */
  readonly manifests: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly artifactType?: string;
  readonly annotations: Annotations;
}

const ENTRY_LIMIT = 10_000;

/**
 * The index that an already parsed document is.
 *
 * @throws {WinchError} `LIMIT_INDEX_ENTRIES`, `MANIFEST_INVALID` and what `parseDescriptor` throws.
 */
export function readImageIndex(document: JsonObject, mediaType: string, where: string): ImageIndex {
  return definedMembers({
    kind: 'index' as const,
    mediaType,
    manifests: readDescriptors(document.manifests, {
      where: `${where}: manifests`,
      limit: ENTRY_LIMIT,
      limitCode: 'LIMIT_INDEX_ENTRIES',
    }),
    subject: readSubject(document.subject, `${where}: subject`),
    artifactType: readString(document.artifactType, `${where}: artifactType`) || undefined,
    annotations: readAnnotations(document.annotations, `${where}: annotations`) ?? {},
  });
}

/**
 * A list of descriptors; null counts as an empty one, as Go writes it.
 *
 * @throws {WinchError} `options.limitCode`, `MANIFEST_INVALID` and what `parseDescriptor` throws.
 */
export function readDescriptors(
  value: unknown,
  {where, limit, limitCode}: {readonly where: string; readonly limit: number; readonly limitCode: string},
): readonly Descriptor[] {
  if (value === null) return [];
  if (!Array.isArray(value)) {
    throw new WinchError('MANIFEST_INVALID', `${where} is no list`, {
      kind: 'refused',
      hint: 'the image has to be built or pushed anew',
    });
  }
  if (value.length > limit) {
    throw new WinchError(limitCode, `${where} has ${value.length} entries, more than ${limit}`, {
      kind: 'refused',
      hint: 'no runnable image needs that many',
    });
  }
  return value.map((entry, at) => parseDescriptor(entry, `${where}[${at}]`));
}

/** What the document was made for (a signature's image), when it says so. */
export const readSubject = (value: unknown, where: string): Descriptor | undefined =>
  value === undefined || value === null ? undefined : parseDescriptor(value, where);
