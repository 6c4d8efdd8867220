import {isNonEmptyString, isPlainObject, isString} from '@sindresorhus/is';
import {definedMembers} from '../oci/defined-members.ts';
import type {Descriptor} from '../oci/descriptor.ts';
import {type Digest, isDigest} from '../oci/digest.ts';
import type {ManifestDocument} from './manifest-writes.ts';

/** What the document was made for; null: it says nothing that is a digest. Never fails: the registry judges documents. */
export function subjectOf(bytes: Uint8Array): Digest | null {
  const {subject} = readLoosely(bytes);
  const digest = isPlainObject(subject) ? subject.digest : undefined;
  return isDigest(digest) ? digest : null;
}

/**
 * How a list of referrers names a manifest: with its artifact type, else the type of its config, and its annotations.
 *
 * @see distribution-spec v1.1.1 spec.md#listing-referrers
 */
export function describeReferrer({bytes, mediaType}: ManifestDocument, digest: Digest): Descriptor {
  const {artifactType, config, annotations} = readLoosely(bytes);
  const configType = isPlainObject(config) ? config.mediaType : undefined;
  return definedMembers({
    mediaType,
    digest,
    size: bytes.length,
    artifactType: [artifactType, configType].find(isNonEmptyString),
    annotations: isAnnotations(annotations) ? annotations : undefined,
  });
}

function readLoosely(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const document: unknown = JSON.parse(Buffer.from(bytes).toString());
    return isPlainObject(document) ? document : {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

const isAnnotations = (value: unknown): value is Record<string, string> =>
  isPlainObject(value) && Object.values(value).every(isString);
