import {isWinchError, WinchError} from '../errors.ts';
import type {Descriptor} from '../oci/descriptor.ts';
import {isForeignLayer} from '../oci/media-types.ts';
import {familiarReference, type Reference} from '../oci/reference.ts';
import type {RegistryClient} from '../registry/client.ts';
import type {ImageContext} from './context.ts';
import type {PullOptions} from './pull.ts';

export interface LayersOfImage {
  readonly reference: Reference;
  readonly layers: readonly Descriptor[];
}

/**
 * A context whose registry also gives layers that it need not hold, in so far as the caller allows it.
 *
 * The registry itself is asked first: many hold such layers all the same.
 *
 * @see image-spec v1.1.1 layer.md#non-distributable-layers, descriptor.md#properties (urls)
 */
export function withForeignLayers(
  context: ImageContext,
  {reference, layers}: LayersOfImage,
  {foreignLayers = 'refuse'}: PullOptions,
): ImageContext {
  const foreign = new Map(
    layers.filter(({mediaType}) => isForeignLayer(mediaType)).map((layer) => [layer.digest, layer]),
  );
  if (foreign.size === 0) return context;
  const openBlob =
    (registry: RegistryClient): RegistryClient['openBlob'] =>
    async (repository, descriptor, options = {}) => {
      const layer = foreign.get(descriptor.digest);
      try {
        return await registry.openBlob(repository, descriptor, options);
      } catch (error) {
        if (!layer || !isWinchError(error, 'BLOB_UNKNOWN')) throw error;
        if (foreignLayers === 'refuse') throw notHeld(reference, layer, error);
        return await registry.openForeignBlob(repository, layer, options);
      }
    };
  return {
    ...context,
    registry: async () => {
      const registry = await context.registry();
      return {...registry, openBlob: openBlob(registry)};
    },
  };
}

const notHeld = (reference: Reference, {digest, mediaType, urls = []}: Descriptor, cause: WinchError) =>
  new WinchError(
    'FOREIGN_LAYER',
    `layer ${digest} of ${familiarReference(reference)} is not held by the registry (${mediaType})`,
    {
      kind: 'not-found',
      hint: urls.length > 0 ? `the manifest names ${hostsOf(urls)} for it` : 'the manifest names no other place for it',
      cause,
    },
  );

const hostsOf = (urls: readonly string[]): string =>
  [...new Set(urls.map((url) => (URL.canParse(url) ? new URL(url).host : 'what is no URL')))].slice(0, 3).join(', ');
