import {type EventSink, iterateEvents, type WinchEvent} from '../events.ts';
import type {PulledImage, PullOptions} from '../images/pull.ts';
import {parseReference} from '../oci/reference.ts';
import type {Toolkit} from '../toolkit.ts';

/** A line of docker's progress. */
interface ProgressLine {
  readonly status: string;
  readonly id?: string;
  readonly progressDetail?: {readonly current?: number; readonly total?: number};
}

const SHORT_ID = 12;
const PAUSE_MS = 100;

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
  for await (const event of work) yield* linesOf(event, from);
  yield* closingLines(reference, pulled);
}

/** What a slow client has not read stays in memory, so it gets to see less of what comes in great numbers. */
function thinOut(onEvent: EventSink): EventSink {
  const told = new Map<string, number>();
  return (event) => {
    if (event.type === 'blob:received') {
      const now = performance.now();
      if (now - (told.get(event.digest) ?? Number.NEGATIVE_INFINITY) < PAUSE_MS) return;
      told.set(event.digest, now);
    }
    onEvent(event);
  };
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
      const {digest, receivedBytes: current, totalBytes: total} = event;
      yield {...layerLine(digest, 'Downloading'), progressDetail: {current, total}};
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

const layerLine = (digest: string, status: string): ProgressLine => ({
  status,
  progressDetail: {},
  id: digest.slice(digest.indexOf(':') + 1).slice(0, SHORT_ID),
});
