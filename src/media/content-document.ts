import {definedMembers} from '../oci/defined-members.ts';
import {digestAlgorithm, digestOf} from '../oci/digest.ts';
import {parseManifestDocument} from '../oci/manifest.ts';
import type {ContentDocument, DocumentName} from './content.ts';

export interface ReceivedDocument {
  readonly bytes: Buffer;
  readonly contentType?: string | undefined;
  /** What led here; absent for what a name leads to. */
  readonly name?: DocumentName | undefined;
  /** The document in a message. */
  readonly where: string;
}

/** The document that some medium gave. @throws {WinchError} as `parseManifestDocument` */
export function readDocument({bytes, contentType, name, where}: ReceivedDocument): ContentDocument {
  const document = parseManifestDocument(bytes, {contentType, where, ...(name && {descriptor: name})});
  const digest = name?.digest ?? digestOf(bytes);
  const kept = definedMembers({
    platform: name?.platform,
    annotations: name?.annotations,
    artifactType: name?.artifactType,
  });
  return {descriptor: {...kept, mediaType: document.mediaType, digest, size: bytes.length}, bytes, document};
}

/** The digest of bytes by the algorithm of a digest that they should have. */
export const hasDigest = (bytes: Uint8Array, digest: DocumentName['digest']): boolean =>
  digestOf(bytes, digestAlgorithm(digest)) === digest;
