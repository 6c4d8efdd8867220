import type {CallOptions} from '../events.ts';
import type {Digest} from '../oci/digest.ts';
import {headBlob} from './blob-requests.ts';
import {sendBlob} from './send-blob.ts';
import type {RegistrySession} from './session.ts';
import {mountBlob, type UploadTarget} from './upload-requests.ts';

/** Bytes that can be read again from any offset, as a repeated or resumed upload needs. */
export interface BlobSource {
  /** The bytes from `offset` to the end. */
  open(offset: number, options?: {readonly signal?: AbortSignal | undefined}): AsyncIterable<Uint8Array>;
}

export interface UploadRequest {
  readonly repository: string;
  readonly digest: Digest;
  readonly size: number;
  readonly source: BlobSource;
  /** Another repository of the same registry that has the blob. */
  readonly mountFrom?: string | undefined;
  readonly options: CallOptions;
}

export interface UploadOutcome {
  readonly outcome: 'uploaded' | 'mounted' | 'present';
  /** Bytes that were sent, repetitions included. */
  readonly sentBytes: number;
}

/** @see RegistryClient.uploadBlob */
export async function uploadBlob(session: RegistrySession, request: UploadRequest): Promise<UploadOutcome> {
  const {repository, digest, size, source, mountFrom, options} = request;
  const target: UploadTarget = {session, repository, digest, ...options};
  const finish = (outcome: UploadOutcome['outcome'], sentBytes: number): UploadOutcome => {
    options.onEvent?.({type: 'upload:finished', digest, size, outcome});
    return {outcome, sentBytes};
  };
  if (await isPresent(target, size)) return finish('present', 0);
  const place = mountFrom === undefined ? null : await mountBlob(target, mountFrom);
  if (place === 'mounted') return finish('mounted', 0);
  options.onEvent?.({type: 'upload:started', digest, totalBytes: size});
  return finish('uploaded', await sendBlob(target, {size, source, place, isPresent: () => isPresent(target, size)}));
}

/** Asked with the right to push, so that no mirror answers for the registry. */
async function isPresent({session, repository, digest, signal}: UploadTarget, size: number): Promise<boolean> {
  const head = await headBlob(session, {repository, digest, actions: ['pull', 'push'], signal});
  return head !== null && (head.size ?? size) === size;
}
