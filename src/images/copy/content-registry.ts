import {isWinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import type {ContentDocument, ContentSource} from '../../media/content.ts';
import {isDigest} from '../../oci/digest.ts';
import type {RegistryClient} from '../../registry/client.ts';

type BlobStream = Awaited<ReturnType<RegistryClient['openBlob']>>;

/**
 * Some place of images as a pull sees a registry, so that what comes from there is stored as what comes from a registry:
 * verified, unpacked, and named last. Every tag leads to the root.
 */
export function contentRegistry(source: ContentSource): RegistryClient {
  const open = (descriptor: Parameters<RegistryClient['openBlob']>[1], foreign: boolean, options: BlobCall = {}) =>
    openStream(source.blob(descriptor, {foreign}).open(options.offset ?? 0, {signal: options.signal}));
  return {
    ...NOTHING_ELSE,
    getManifest: async (_, tagOrDigest, options = {}) => {
      const {bytes, descriptor} = await find(source, tagOrDigest, options);
      return {bytes, contentType: descriptor.mediaType, digest: descriptor.digest};
    },
    headManifest: async (_, tagOrDigest, options = {}) => {
      const unsaid = {contentType: undefined, size: null, rateLimit: null};
      if (!isDigest(tagOrDigest)) return {...unsaid, digest: await source.rootDigest(options)};
      const found = await findOrNull(source, tagOrDigest, options);
      return found && {...unsaid, digest: found.descriptor.digest};
    },
    openBlob: (_, descriptor, options) => open(descriptor, false, options),
    openForeignBlob: (_, descriptor, options) => open(descriptor, true, options),
    listTags: async () => [],
    close: () => {},
    [Symbol.asyncDispose]: async () => {},
  };
}

type BlobCall = CallOptions & {readonly offset?: number};

const refuse = () => Promise.reject(new Error('a pull asks for nothing else'));
/** A pull reads manifests and blobs. */
const NOTHING_ELSE = Object.freeze({
  ...{putManifest: refuse, deleteManifest: refuse, headBlob: refuse, uploadBlob: refuse, deleteBlob: refuse},
  ...{referrers: refuse, catalog: refuse, rateLimit: refuse, checkLogin: refuse},
});

async function find(source: ContentSource, tagOrDigest: string, options: CallOptions): Promise<ContentDocument> {
  if (!isDigest(tagOrDigest) || tagOrDigest === (await source.rootDigest(options))) return await source.root(options);
  return await source.document({digest: tagOrDigest}, options);
}

async function findOrNull(source: ContentSource, tagOrDigest: string, options: CallOptions) {
  try {
    return await find(source, tagOrDigest, options);
  } catch (error) {
    if (isWinchError(error) && error.kind === 'not-found') return null;
    throw error;
  }
}

/** Reads the first piece at once, so that what is not there is told before anybody reads. */
async function openStream(bytes: AsyncIterable<Uint8Array>): Promise<BlobStream> {
  const iterator = bytes[Symbol.asyncIterator]();
  const first = await iterator.next();
  async function* readAll(): AsyncGenerator<Uint8Array> {
    try {
      for (let next = first; !next.done; next = await iterator.next()) yield next.value;
    } finally {
      await iterator.return?.();
    }
  }
  return {[Symbol.asyncIterator]: readAll, close: () => void iterator.return?.().catch(() => {})};
}
