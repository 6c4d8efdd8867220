import type {Digest} from '../oci/digest.ts';
import type {AccessAction} from './authorizer.ts';
import {responseError, type Subject} from './response-errors.ts';
import type {RegistrySession} from './session.ts';

export interface BlobHead {
  /** Bytes; null when the registry does not say. */
  readonly size: number | null;
}

interface BlobName {
  readonly repository: string;
  readonly digest: Digest;
  /** What the login has to allow. Default: `pull`. */
  readonly actions?: readonly AccessAction[];
  readonly signal?: AbortSignal | undefined;
}

/** @see RegistryClient.headBlob */
export async function headBlob(session: RegistrySession, blob: BlobName): Promise<BlobHead | null> {
  const {repository, digest, actions = ['pull'], signal} = blob;
  const path = `/v2/${repository}/blobs/${digest}`;
  const response = await session.request({method: 'HEAD', path, repository, actions, signal});
  if (response.status !== 200 && response.status !== 404) throw await responseError(response, subjectOf(session, blob));
  await response.discard();
  if (response.status === 404) return null;
  const length = response.headers['content-length'] ?? '';
  return {size: /^\d{1,15}$/.test(length) ? Number(length) : null};
}

/** @see RegistryClient.deleteBlob */
export async function deleteBlob(session: RegistrySession, blob: BlobName): Promise<void> {
  const {repository, digest, signal} = blob;
  const path = `/v2/${repository}/blobs/${digest}`;
  const response = await session.request({method: 'DELETE', path, repository, actions: ['delete'], signal});
  if (response.status >= 300) {
    throw await responseError(response, {...subjectOf(session, blob), action: 'delete from'});
  }
  await response.discard();
}

function subjectOf({registry, secrets}: RegistrySession, {repository, digest}: BlobName): Subject {
  return {
    registry,
    repository,
    wanted: `the blob ${digest} of ${repository}`,
    notFound: {
      code: 'BLOB_UNKNOWN',
      message: `${registry}/${repository} has no blob ${digest}`,
      hint: 'check the digest; it may lie in another repository',
    },
    unsupported: {
      code: 'DELETE_UNSUPPORTED',
      message: `${registry} does not delete blobs`,
      hint: 'whoever runs the registry decides that; many collect unused blobs themselves',
    },
    secrets: secrets(),
  };
}
