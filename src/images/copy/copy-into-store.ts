import type {WinchEvent} from '../../events.ts';
import type {ContentSource} from '../../media/content.ts';
import type {Digest} from '../../oci/digest.ts';
import type {ImageContext} from '../context.ts';
import {pullImage} from '../pull.ts';
import {contentRegistry} from './content-registry.ts';
import type {CopiedContent, CopyContentOptions} from './copy-content.ts';

export interface StoreCopy {
  readonly source: ContentSource;
  /** The reference that the image gets. */
  readonly name: string;
}

/** Stores an image as a pull does, from wherever it comes. */
export async function copyIntoStore(
  context: ImageContext,
  {source, name}: StoreCopy,
  options: CopyContentOptions,
): Promise<CopiedContent> {
  const {platform, allPlatforms, foreign, signal} = options;
  const counts = {copied: 0, present: 0};
  const onEvent = (event: WinchEvent) => {
    if (event.type === 'blob:stored') counts.copied += 1;
    if (event.type === 'blob:present') counts.present += 1;
    if (event.type !== 'image:stored') options.onEvent?.(event);
  };
  const registry = contentRegistry(source);
  const pulled = await pullImage({...context, registry: async () => registry}, name, {
    ...{platform, allPlatforms, signal, onEvent},
    foreignLayers: foreign ? 'fetch' : 'refuse',
  });
  const digest = pulled.digest as Digest;
  const {changed, receivedBytes: sentBytes} = pulled;
  const target = `store:${name}`;
  onEvent({type: 'image:copied', source: source.name, target, digest, changed, sentBytes});
  return {digest, changed, sentBytes, copiedBlobs: counts.copied, presentBlobs: counts.present, mountedBlobs: 0};
}
