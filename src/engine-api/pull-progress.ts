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
  const layers: Layers = {all: new Set(), begun: new Set()};
  let isBegun = false;
  let pulled: PulledImage | null = null;
  const work = iterateEvents(async (onEvent) => {
    pulled = await toolkit.images.pull(reference, {...options, onEvent: thinOut(onEvent)});
  });
  for await (const event of work) {
    if (event.type === 'manifest:resolved') {
      isBegun = true;
      yield from;
    }
    yield* linesOf(event, layers);
  }
  if (!isBegun) yield from;
  yield* closingLines(reference, pulled);
}

interface Layers {
  readonly all: Set<string>;
  /** Those of which something was told. */
  readonly begun: Set<string>;
}

function* linesOf(event: WinchEvent, layers: Layers): Generator<ProgressLine> {
  if (event.type === 'manifest:resolved') for (const {digest} of event.layers) layers.all.add(digest);
  if (event.type === 'request:retrying') yield {status: `Retrying: ${event.reason}`};
  if (!('digest' in event) || !layers.all.has(event.digest)) return;
  // As docker has it, of what is there nothing is pulled.
  if (event.type !== 'blob:present' && !layers.begun.has(event.digest))
    yield layerLine(event.digest, 'Pulling fs layer');
  layers.begun.add(event.digest);
  yield* layerLines(event);
}

function* layerLines(event: WinchEvent): Generator<ProgressLine> {
  switch (event.type) {
    case 'blob:waiting':
      yield layerLine(event.digest, 'Waiting');
      return;
    case 'blob:received':
      yield movingLine(event.digest, 'Downloading', [event.receivedBytes, event.totalBytes]);
      return;
    case 'blob:present':
      yield layerLine(event.digest, 'Already exists');
      return;
    case 'layer:indexed':
      yield layerLine(event.digest, 'Download complete');
      return;
    case 'blob:stored':
      yield layerLine(event.digest, 'Pull complete');
  }
}

function* closingLines(reference: string, pulled: PulledImage | null): Generator<ProgressLine> {
  if (pulled === null) return;
  const {digest, changed, reference: name} = pulled;
  yield {status: `Digest: ${digest}`};
  yield {status: `Status: ${changed ? 'Downloaded newer image' : 'Image is up to date'} for ${name ?? reference}`};
}
