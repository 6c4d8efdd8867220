import {CONFIG_LIMIT_BYTES} from '../oci/image-config.ts';
import type {Reference} from '../oci/reference.ts';
import type {RegistryClient} from '../registry/client.ts';
import type {ImageContext} from './context.ts';
import {fetchBlob} from './fetch-blob.ts';

/**
 * A registry whose small blobs, image configs, come from the store when they are there, and else are fetched by one of
 * all the processes that want them. They are claimed first, by the context's lease.
 */
export async function withStoredConfigs(context: ImageContext, reference: Reference): Promise<RegistryClient> {
  const {store, lease} = context;
  const registry = await context.registry();
  const openBlob: RegistryClient['openBlob'] = async (name, descriptor, options = {}) => {
    const {digest, size, mediaType} = descriptor;
    if (size > CONFIG_LIMIT_BYTES) return await registry.openBlob(name, descriptor, options);
    const layer = {blobDigest: digest, blobBytes: size, mediaType};
    await lease?.claim([digest]);
    if (!store.blobs.has({digest, size})) await fetchBlob(context, {reference, layer}, {signal: options.signal});
    const bytes = store.blobs.read(digest, CONFIG_LIMIT_BYTES);
    return {
      async *[Symbol.asyncIterator]() {
        yield bytes;
      },
      close() {},
    };
  };
  return {...registry, openBlob};
}
