import {iterateEvents, type WinchEvent} from '../events.ts';
import type {PushedImage, PushOptions} from '../images/copy/push.ts';
import {parseReference, repositoryName} from '../oci/reference.ts';
import type {Toolkit} from '../toolkit.ts';
import {layerLine, movingLine, type ProgressLine, thinOut} from './progress-line.ts';

const WORD_OF_OUTCOME = {uploaded: 'Pushed', mounted: 'Mounted', present: 'Layer already exists'} as const;

/** What is to be pushed: one image, or all tags of a repository that are stored. */
export type Pushed = {readonly reference: string} | {readonly repository: string};

/**
 * Pushes images, and says how far it is as docker does.
 *
 * @throws {WinchError} of the push
 */
export async function* pushProgress(
  toolkit: Toolkit,
  pushed: Pushed,
  options: Pick<PushOptions, 'platform' | 'signal'>,
): AsyncGenerator<ProgressLine> {
  const name = 'reference' in pushed ? pushed.reference : pushed.repository;
  yield {status: `The push refers to repository [${repositoryName(parseReference(name))}]`};
  const references = 'reference' in pushed ? [name] : await toolkit.images.listPushable(name);
  for (const reference of references) yield* pushOne(toolkit, reference, options);
}

async function* pushOne(
  toolkit: Toolkit,
  reference: string,
  options: Pick<PushOptions, 'platform' | 'signal'>,
): AsyncGenerator<ProgressLine> {
  const {layers} = await toolkit.images.inspect(reference);
  const digests = new Set(layers.map(({digest}) => digest));
  for (const digest of digests) yield layerLine(digest, 'Preparing');
  const untold = new Set(digests);
  let pushed: PushedImage | null = null;
  const work = iterateEvents(async (onEvent) => {
    pushed = await toolkit.images.push(reference, {...options, onEvent: thinOut(onEvent)});
  });
  for await (const event of work) {
    yield* linesOf(event, digests);
    if (event.type === 'upload:finished') untold.delete(event.digest);
  }
  for (const digest of untold) yield layerLine(digest, WORD_OF_OUTCOME.present);
  yield* closingLines(reference, pushed);
}

/** Of the layers; the config and the manifest are no line of docker's. */
function* linesOf(event: WinchEvent, digests: ReadonlySet<string>): Generator<ProgressLine> {
  if (event.type === 'request:retrying') yield {status: `Retrying: ${event.reason}`};
  if (!('digest' in event) || !digests.has(event.digest)) return;
  switch (event.type) {
    case 'upload:sent':
      yield movingLine(event.digest, 'Pushing', [event.sentBytes, event.totalBytes]);
      return;
    case 'upload:finished':
      yield layerLine(event.digest, WORD_OF_OUTCOME[event.outcome]);
  }
}

function* closingLines(reference: string, pushed: PushedImage | null): Generator<ProgressLine> {
  if (pushed === null) return;
  const {digest: Digest, documentBytes: Size} = pushed;
  const Tag = parseReference(reference).tag ?? '';
  yield {status: `${Tag}: digest: ${Digest} size: ${Size}`};
  yield {progressDetail: {}, aux: {Tag, Digest, Size}};
}
