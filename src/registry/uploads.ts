import type {CallOptions} from '../events.ts';
import type {Digest} from '../oci/digest.ts';
import type {RegistrySession} from './session.ts';

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
  throw new Error(`not yet: ${session.registry} ${request.digest}`);
}
