import type {ImageContext} from './context.ts';
import {type PulledImage, type PullOptions, pullImage} from './pull.ts';
import {recordImageEvents} from './record-image-event.ts';

/** As `pullImage`, told to those who follow events: the images of archives come the same way, and are told as such. */
export async function pullFromRegistry(
  context: ImageContext,
  reference: string,
  options: PullOptions = {},
): Promise<PulledImage> {
  const pulled = await pullImage(context, reference, options);
  const {reference: id} = pulled;
  recordImageEvents(context, [{action: 'pull', id, name: id.replace(TAG_OR_DIGEST, '')}]);
  return pulled;
}

const TAG_OR_DIGEST = /(?::[^/:@]+)?(?:@[^@]+)?$/;
