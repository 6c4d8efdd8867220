import {iterateEvents, type WinchEvent} from '../events.ts';
import type {PulledImage, PullOptions} from '../images/pull.ts';
import {parseReference} from '../oci/reference.ts';
import type {Toolkit} from '../toolkit.ts';
import {layerLine, movingLine, type ProgressLine, thinOut} from './progress-line.ts';

/**
 * Pulls an image, and says how far it is as docker does.
 *
 * @throws {WinchError} of the pull
 */
export async function* pullProgress(
  toolkit: Toolkit,
  reference: string,
  options: Pick<PullOptions, 'platform' | 'signal'>,
): AsyncGenerator<ProgressLine> {
  const {repository, tag, digest} = parseReference(reference);
  const from: ProgressLine = {status: `Pulling from ${repository}`, id: tag ?? digest ?? ''};
  let pulled: PulledImage | null = null;
  const work = iterateEvents(async (onEvent) => {
    pulled = await toolkit.images.pull(reference, {...options, onEvent: thinOut(onEvent)});
  });
  let isBegun = false;
  for await (const event of work) {
    yield* linesOf(event, from);
    isBegun ||= event.type === 'manifest:resolved';
  }
  if (!isBegun) yield from;
  yield* closingLines(reference, pulled);
}

function* linesOf(event: WinchEvent, from: ProgressLine): Generator<ProgressLine> {
  switch (event.type) {
    case 'manifest:resolved':
      yield from;
      for (const {digest} of event.layers) yield layerLine(digest, 'Pulling fs layer');
      return;
    case 'blob:waiting':
      yield layerLine(event.digest, 'Waiting');
      return;
    case 'blob:received': {
      const {digest, receivedBytes, totalBytes} = event;
      yield movingLine(digest, 'Downloading', [receivedBytes, totalBytes]);
      return;
    }
    case 'blob:present':
      yield layerLine(event.digest, 'Already exists');
      return;
    case 'blob:stored':
      yield layerLine(event.digest, 'Pull complete');
      return;
    case 'layer:indexed':
      yield layerLine(event.digest, 'Download complete');
      return;
    case 'request:retrying':
      yield {status: `Retrying: ${event.reason}`};
  }
}

function* closingLines(reference: string, pulled: PulledImage | null): Generator<ProgressLine> {
  if (pulled === null) return;
  const {digest, changed, reference: name} = pulled;
  yield {status: `Digest: ${digest}`};
  yield {status: `Status: ${changed ? 'Downloaded newer image' : 'Image is up to date'} for ${name ?? reference}`};
}
