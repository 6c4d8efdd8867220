import {WinchError} from '../errors.ts';
import {type Digest, digestAlgorithm, digestOf, isDigest} from '../oci/digest.ts';
import {MANIFEST_LIMIT_BYTES} from '../oci/manifest.ts';
import {responseError, type Subject} from './response-errors.ts';
import type {RegistrySession} from './session.ts';
import type {TransportResponse} from './transport.ts';

export interface ManifestDocument {
  readonly bytes: Uint8Array;
  readonly mediaType: string;
}

export interface PushedManifest {
  /** Of the bytes that were sent. */
  readonly digest: Digest;
  /** The subject that the registry took note of (`OCI-Subject`); null: it keeps no referrers, or there is none. */
  readonly subject: Digest | null;
}

export interface ManifestPut {
  readonly repository: string;
  readonly tagOrDigest: string;
  readonly manifest: ManifestDocument;
  readonly signal?: AbortSignal | undefined;
}

export interface ManifestName {
  readonly repository: string;
  readonly tagOrDigest: string;
  readonly signal?: AbortSignal | undefined;
}

/** Stores a manifest and nothing else. */
export async function putManifest(session: RegistrySession, put: ManifestPut): Promise<PushedManifest> {
  const {repository, tagOrDigest, manifest, signal} = put;
  const {bytes, mediaType} = manifest;
  const digest = checkManifest(session, put);
  const response = await session.request({
    method: 'PUT',
    path: `/v2/${repository}/manifests/${tagOrDigest}`,
    repository,
    actions: ['pull', 'push'],
    headers: {'content-type': mediaType},
    body: {
      bytes: bytes.length,
      open: async function* () {
        yield bytes;
      },
    },
    signal,
  });
  if (response.status >= 300) throw await responseError(response, putSubject(session, put));
  await response.discard();
  checkReceived(response, digest, session, put);
  const subject = response.headers['oci-subject'];
  return {digest, subject: isDigest(subject) ? subject : null};
}

/** Deletes a manifest or a tag and nothing else. */
export async function deleteManifest(session: RegistrySession, name: ManifestName): Promise<void> {
  const {repository, tagOrDigest, signal} = name;
  const path = `/v2/${repository}/manifests/${tagOrDigest}`;
  const response = await session.request({method: 'DELETE', path, repository, actions: ['delete'], signal});
  if (response.status >= 300) throw await responseError(response, deleteSubject(session, name));
  await response.discard();
}

function checkManifest({registry}: RegistrySession, {repository, tagOrDigest, manifest}: ManifestPut): Digest {
  if (manifest.bytes.length > MANIFEST_LIMIT_BYTES) {
    throw new WinchError('MANIFEST_TOO_LARGE', `the manifest for ${registry}/${repository} is above 4 MiB`, {
      kind: 'refused',
      hint: 'registries take no more; fewer or shorter annotations make it smaller',
      details: {limitBytes: MANIFEST_LIMIT_BYTES},
    });
  }
  if (!isDigest(tagOrDigest)) return digestOf(manifest.bytes);
  const digest = digestOf(manifest.bytes, digestAlgorithm(tagOrDigest));
  if (digest === tagOrDigest) return digest;
  throw mismatch(`the manifest that is to be ${tagOrDigest} has the digest ${digest}`, tagOrDigest, digest);
}

function checkReceived(
  {headers}: TransportResponse,
  digest: Digest,
  {registry}: RegistrySession,
  {repository}: ManifestPut,
): void {
  const received = headers['docker-content-digest'];
  if (!isDigest(received) || digestAlgorithm(received) !== digestAlgorithm(digest) || received === digest) return;
  throw mismatch(`${registry}/${repository} received ${received} in place of the manifest ${digest}`, digest, received);
}

const mismatch = (message: string, expected: string, actual: string): WinchError =>
  new WinchError('DIGEST_MISMATCH', message, {
    kind: 'refused',
    hint: 'the bytes were changed on the way: compare both documents',
    details: {expected, actual},
  });

const describeName = (tagOrDigest: string): string =>
  isDigest(tagOrDigest) ? `the manifest ${tagOrDigest}` : `the tag ${tagOrDigest}`;

function putSubject({registry, secrets}: RegistrySession, {repository, tagOrDigest}: ManifestPut): Subject {
  const where = `${registry}/${repository}`;
  const incomplete = {
    kind: 'refused' as const,
    code: 'MANIFEST_BLOB_UNKNOWN',
    message: `${where} lacks something that ${describeName(tagOrDigest)} names`,
    hint: 'push its blobs and manifests first',
  };
  const refused = {
    kind: 'refused' as const,
    code: 'MANIFEST_REFUSED',
    message: `${where} does not take ${describeName(tagOrDigest)}`,
    hint: 'the registry may not know this type of document, or asks for more than the spec',
  };
  return {
    registry,
    repository,
    wanted: `${describeName(tagOrDigest)} of ${repository}`,
    action: 'write to',
    byRegistryCode: new Map([
      ['MANIFEST_BLOB_UNKNOWN', incomplete],
      ['BLOB_UNKNOWN', incomplete],
      ['MANIFEST_INVALID', refused],
      ['TAG_INVALID', refused],
      ['UNSUPPORTED', refused],
    ]),
    secrets: secrets(),
  };
}

function deleteSubject({registry, secrets}: RegistrySession, {repository, tagOrDigest}: ManifestName): Subject {
  const isTag = !isDigest(tagOrDigest);
  return {
    registry,
    repository,
    wanted: `${describeName(tagOrDigest)} of ${repository}`,
    action: 'delete from',
    notFound: {
      code: 'MANIFEST_UNKNOWN',
      message: `${registry}/${repository} has no ${describeName(tagOrDigest).slice('the '.length)}`,
      hint: 'check how the tag and the repository are written',
    },
    unsupported: {
      // distribution-spec v1.1.1 spec.md#deleting-tags allows both.
      statuses: isTag ? [400, 405] : [405],
      code: 'DELETE_UNSUPPORTED',
      message: `${registry} does not delete ${isTag ? 'a tag alone' : 'manifests'}`,
      hint: isTag
        ? 'delete the manifest by its digest, which takes away every tag that leads to it'
        : 'whoever runs the registry decides that',
    },
    secrets: secrets(),
  };
}
