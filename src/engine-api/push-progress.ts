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
  const {layers} = await toolkit.images.inspect(reference, options);
  // Docker's command shows them by what they hold.
  const diffIds: Names = new Map(layers.map(({digest, diffId}) => [digest, diffId]));
  for (const diffId of diffIds.values()) yield layerLine(diffId, 'Preparing');
  const untold = new Map(diffIds);
  let pushed: PushedImage | null = null;
  const work = iterateEvents(async (onEvent) => {
    pushed = await toolkit.images.push(reference, {...options, onEvent: thinOut(onEvent)});
  });
  for await (const event of work) {
    yield* linesOf(event, diffIds);
    if (event.type === 'upload:finished') untold.delete(event.digest);
  }
  for (const diffId of untold.values()) yield layerLine(diffId, WORD_OF_OUTCOME.present);
  yield* closingLines(reference, pushed);
}

type Names = ReadonlyMap<string, string>;

/** Of the layers; the config and the manifest are no line of docker's. */
function* linesOf(event: WinchEvent, diffIds: Names): Generator<ProgressLine> {
  if (event.type === 'request:retrying') yield {status: `Retrying: ${event.reason}`};
  const diffId = 'digest' in event ? diffIds.get(event.digest) : undefined;
  if (diffId === undefined) return;
  switch (event.type) {
    case 'upload:sent':
      yield movingLine(diffId, 'Pushing', [event.sentBytes, event.totalBytes]);
      return;
    case 'upload:finished':
      yield layerLine(diffId, WORD_OF_OUTCOME[event.outcome]);
  }
}

function* closingLines(reference: string, pushed: PushedImage | null): Generator<ProgressLine> {
  if (pushed === null) return;
  const {digest: Digest, documentBytes: Size} = pushed;
  const Tag = parseReference(reference).tag ?? '';
  yield {status: `${Tag}: digest: ${Digest} size: ${Size}`};
  yield {progressDetail: {}, aux: {Tag, Digest, Size}};
}
