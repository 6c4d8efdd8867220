import {isWinchError} from '../errors.ts';
import type {CallOptions} from '../events.ts';
import type {Descriptor} from '../oci/descriptor.ts';
import {familiarReference, type Reference} from '../oci/reference.ts';
import type {RegistryClient} from '../registry/client.ts';
import type {BlobOptions, ContentDocument, ContentSource} from './content.ts';
import {readDocument} from './content-document.ts';
import {formatLocation} from './location.ts';

/** An image at a registry. */
export function openRegistrySource(registry: RegistryClient, reference: Reference): ContentSource {
  const name = familiarReference(reference);
  const where = `manifest of ${name}`;
  const wanted = reference.digest ?? reference.tag ?? 'latest';
  let found: Promise<ContentDocument> | null = null;
  const readRoot = async (options: CallOptions) => {
    const {bytes, contentType, digest} = await registry.getManifest(reference, wanted, options);
    return readDocument({bytes, contentType, where, name: {digest}});
  };
  const root = (options: CallOptions) => {
    found ??= readRoot(options);
    return found;
  };
  return {
    name: formatLocation({kind: 'registry', reference}),
    rootDigest: async (options) => {
      if (reference.digest) return reference.digest;
      const head = found ? null : await registry.headManifest(reference, wanted, options);
      return head?.digest ?? (await root(options)).descriptor.digest;
    },
    root,
    document: async (descriptor, options) => {
      const {bytes, contentType} = await registry.getManifest(reference, descriptor.digest, options);
      return readDocument({bytes, contentType, where: `${where}: ${descriptor.digest}`, name: descriptor});
    },
    blob: (descriptor, {foreign = false} = {}) => ({
      open: (offset, options = {}) => readBlob({registry, reference, descriptor, offset, foreign}, options),
    }),
    blobFile: () => null,
    referrers: async (subject, options) => (await registry.referrers(reference, subject, options)).referrers,
    repositories: [{registry: reference.registry, repository: reference.repository}],
    close: async () => {},
  };
}

interface BlobPart {
  readonly registry: RegistryClient;
  readonly reference: Reference;
  readonly descriptor: Descriptor;
  readonly offset: number;
  readonly foreign: boolean;
}

async function* readBlob(part: BlobPart, options: Pick<BlobOptions, 'signal'>): AsyncGenerator<Uint8Array> {
  const {registry, reference, descriptor, offset, foreign} = part;
  try {
    yield* await registry.openBlob(reference, descriptor, {...options, offset});
  } catch (error) {
    if (!foreign || !isWinchError(error, 'BLOB_UNKNOWN')) throw error;
    yield* await registry.openForeignBlob(reference, descriptor, {...options, offset});
  }
}
