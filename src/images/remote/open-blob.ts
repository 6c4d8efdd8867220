import {WinchError} from '../../errors.ts';
import type {CallOptions, EventSink} from '../../events.ts';
import {createDigester, type Digest, digestAlgorithm} from '../../oci/digest.ts';
import {familiarRepository, type Reference} from '../../oci/reference.ts';
import type {RegistryClient} from '../../registry/client.ts';
import type {RemoteContext} from './context.ts';
import {parseDigestReference} from './repository-name.ts';

export interface RemoteBlob {
  readonly repository: string;
  readonly digest: Digest;
  /** Bytes; null: the registry does not say. */
  readonly size: number | null;
}

export interface OpenedBlob extends RemoteBlob {
  readonly size: number;
  /** To be read once. Throws at its end when the bytes were not those of the digest. */
  readonly content: AsyncIterable<Uint8Array>;
  /** Ends the download. */
  close(): void;
}

const ANY_TYPE = 'application/octet-stream';

/**
 * What a registry says about a blob (`repository@sha256:…`), unsent.
 *
 * @throws {WinchError} `REFERENCE_INVALID`, `BLOB_UNKNOWN`, and those of `RegistryClient`
 */
export async function headRemoteBlob(
  context: RemoteContext,
  text: string,
  options: CallOptions = {},
): Promise<RemoteBlob> {
  const reference = parseDigestReference(text);
  const size = await askForSize(await context.registry(), reference, options);
  return {repository: familiarRepository(reference), digest: reference.digest, size};
}

/**
 * Opens a blob (`repository@sha256:…`) for reading; a download that breaks off goes on where it was.
 *
 * @param options.onEvent Gets `blob:started`, `blob:received` and `blob:stored` as the blob is read.
 * @throws {WinchError} As `headRemoteBlob`; while reading `DIGEST_MISMATCH`, `SIZE_MISMATCH`
 */
export async function openRemoteBlob(
  context: RemoteContext,
  text: string,
  options: CallOptions = {},
): Promise<OpenedBlob> {
  const reference = parseDigestReference(text);
  const {digest} = reference;
  const client = await context.registry();
  const size = await askForSize(client, reference, options);
  if (size === null) throw sizeUnknown(reference);
  const stream = await client.openBlob(reference, {mediaType: ANY_TYPE, digest, size}, options);
  const content = verify(stream, {...reference, size}, options.onEvent);
  return {repository: familiarRepository(reference), digest, size, content, close: () => stream.close()};
}

type BlobReference = Reference & {readonly digest: Digest};

async function askForSize(client: RegistryClient, blob: BlobReference, options: CallOptions): Promise<number | null> {
  const head = await client.headBlob(blob, blob.digest, options);
  if (head !== null) return head.size;
  throw new WinchError('BLOB_UNKNOWN', `${familiarRepository(blob)} has no blob ${blob.digest}`, {
    kind: 'not-found',
    hint: 'check the digest; it may lie in another repository',
  });
}

async function* verify(
  content: AsyncIterable<Uint8Array>,
  blob: BlobReference & {readonly size: number},
  onEvent?: EventSink,
): AsyncGenerator<Uint8Array> {
  const {digest, size} = blob;
  const digester = createDigester(digestAlgorithm(digest));
  let receivedBytes = 0;
  onEvent?.({type: 'blob:started', digest, totalBytes: size});
  for await (const chunk of content) {
    digester.update(chunk);
    receivedBytes += chunk.length;
    onEvent?.({type: 'blob:received', digest, receivedBytes, totalBytes: size});
    yield chunk;
  }
  const actual = digester.digest();
  if (actual === digest) return onEvent?.({type: 'blob:stored', digest, size});
  const where = `${familiarRepository(blob)}@${blob.digest}`;
  throw new WinchError('DIGEST_MISMATCH', `the bytes received for ${where} have the digest ${actual}`, {
    kind: 'refused',
    hint: 'the registry or a proxy serves wrong data',
    details: {expected: blob.digest, actual},
  });
}

const sizeUnknown = (blob: BlobReference): WinchError =>
  new WinchError('PROTOCOL_ERROR', `${blob.registry} does not say how long the blob ${blob.digest} is`, {
    kind: 'unavailable',
    hint: 'the registry or a proxy leaves out Content-Length',
  });
