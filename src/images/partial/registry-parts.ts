import type {CallOptions} from '../../events.ts';
import type {BlobPart, BlobParts} from '../../layers/chunked/blob-parts.ts';
import type {Descriptor} from '../../oci/descriptor.ts';
import type {Reference} from '../../oci/reference.ts';
import type {RegistryClient} from '../../registry/client.ts';

export interface RemoteBlob {
  readonly reference: Reference;
  readonly descriptor: Descriptor;
}

/**
 * The parts of a blob at its registry, or at its mirrors. What was wrong once is asked of the registry itself.
 *
 * Reading throws `RANGE_UNSUPPORTED` where only whole blobs are given.
 */
export const openRegistryParts = (registry: RegistryClient, blob: RemoteBlob, options: CallOptions): BlobParts => ({
  size: blob.descriptor.size,
  read: (part) => readRange(registry, blob, {...part, ...options}),
});

async function* readRange(
  registry: RegistryClient,
  {reference, descriptor}: RemoteBlob,
  {start, end, isAgain, signal, onEvent}: BlobPart & CallOptions,
): AsyncGenerator<Uint8Array> {
  if (isAgain) {
    const reason = `bytes ${start} to ${end} of ${descriptor.digest} are not what they should be`;
    onEvent?.({type: 'request:retrying', host: reference.registry, reason, attempt: 1, delayMs: 0});
  }
  const range = {offset: start, end, avoidsMirrors: isAgain};
  const stream = await registry.openBlob(reference, descriptor, {...range, signal, onEvent});
  try {
    yield* stream;
  } finally {
    stream.close();
  }
}
