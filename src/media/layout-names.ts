import {isArray, isPlainObject} from '@sindresorhus/is';
import {isWinchError} from '../errors.ts';
import type {Descriptor} from '../oci/descriptor.ts';
import type {Digest} from '../oci/digest.ts';
import {FULL_NAME_ANNOTATION, NAME_ANNOTATION} from '../oci/image-layout.ts';
import {OCI_INDEX} from '../oci/media-types.ts';
import {formatReference, parseReference} from '../oci/reference.ts';

/** The name that an image gets in a layout. */
export interface LayoutName {
  /** Of the `org.opencontainers.image.ref.name` annotation; null: the one image without a name. */
  readonly name: string | null;
  /** The whole reference, where the name is one. */
  readonly fullName: string | null;
}

/**
 * A name as people wrote it.
 *
 * @param isWhole Whether it is a reference in any case, as in docker's archives, and not only when it looks like one.
 */
export function layoutName(name: string | null, isWhole: boolean): LayoutName {
  if (name === null) return {name, fullName: null};
  const fullName = isWhole || /[:/]/.test(name) ? fullReference(name) : null;
  const tag = isWhole && fullName !== null ? parseReference(name).tag : null;
  return {name: tag ?? name, fullName};
}

/** The bytes of an index.json with one more entry, or one in place of those of the same name. */
export function nameInIndex(
  before: Buffer | null,
  entry: Descriptor,
  {name, replaces}: {readonly name: LayoutName; readonly replaces: (entry: Descriptor) => boolean},
): Buffer {
  const annotations = {
    ...entry.annotations,
    ...(name.name !== null && {[NAME_ANNOTATION]: name.name}),
    ...(name.fullName !== null && {[FULL_NAME_ANNOTATION]: name.fullName}),
  };
  const named = Object.keys(annotations).length > 0 ? {...entry, annotations} : entry;
  return rewrite(before, (manifests) => [...manifests.filter((one) => !replaces(one as Descriptor)), named]);
}

/** The bytes of an index.json that lists a referrer, once. */
export function listInIndex(before: Buffer | null, entry: Descriptor): Buffer {
  return rewrite(before, (manifests) =>
    manifests.some((one) => digestIn(one) === entry.digest) ? manifests : [...manifests, entry],
  );
}

/** Members that nobody here knows stay. */
function rewrite(before: Buffer | null, change: (manifests: readonly unknown[]) => readonly unknown[]): Buffer {
  const document: unknown = before === null ? {} : JSON.parse(before.toString());
  const known = isPlainObject(document) ? document : {};
  const manifests = isArray(known.manifests) ? known.manifests : [];
  return Buffer.from(JSON.stringify({schemaVersion: 2, mediaType: OCI_INDEX, ...known, manifests: change(manifests)}));
}

const digestIn = (entry: unknown): Digest | unknown => (isPlainObject(entry) ? entry.digest : undefined);

function fullReference(name: string): string | null {
  try {
    const reference = parseReference(name);
    return reference.tag === null ? null : formatReference({...reference, digest: null});
  } catch (error) {
    if (isWinchError(error, 'REFERENCE_INVALID')) return null;
    throw error;
  }
}
