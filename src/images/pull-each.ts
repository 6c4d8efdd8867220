import {WinchError} from '../errors.ts';
import {familiarReference, parseReference, withTag} from '../oci/reference.ts';
import type {ImageContext} from './context.ts';
import type {PulledImage, PullOptions} from './pull.ts';
import {pullFromRegistry} from './pull-from-registry.ts';

/** How the pull of one of several references ended. */
export type PullOutcome =
  | {readonly reference: string; readonly pulled: PulledImage}
  | {readonly reference: string; readonly error: unknown};

export interface PullEachOptions extends PullOptions {
  /** Takes each text for a repository and pulls every tag that its registry lists, 10 000 at most. */
  readonly allTags?: boolean | undefined;
}

/** More would make the first image wait for the connections that the others take. */
const PULLS_AT_ONCE = 2;

/**
 * Pulls several images, some at once, and yields how each ended, in the order in which they were given.
 *
 * A layer that several of them have is downloaded once. A failure does not stop the others; an abort does and rejects
 * with its reason. Leaving the loop stops them as well.
 *
 * @throws {WinchError} with `allTags`: `TAG_UNEXPECTED` | `NAME_UNKNOWN` … of the first list that cannot be had
 */
export async function* pullEach(
  context: ImageContext,
  texts: readonly string[],
  {allTags, ...options}: PullEachOptions = {},
): AsyncGenerator<PullOutcome> {
  const references = allTags ? await listAll(context, texts, options) : texts;
  const controller = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, controller.signal]) : controller.signal;
  const waiting = references.map((reference) => ({reference, outcome: Promise.withResolvers<PullOutcome>()}));
  const queue = waiting.values();
  const pullQueue = async () => {
    for (const {reference, outcome} of queue) outcome.resolve(await pullOne(context, reference, {...options, signal}));
  };
  const running = Array.from({length: Math.min(PULLS_AT_ONCE, references.length)}, pullQueue);
  try {
    for (const {outcome} of waiting) {
      const ended = await outcome.promise;
      options.signal?.throwIfAborted();
      yield ended;
    }
  } finally {
    controller.abort();
    await Promise.all(running);
  }
}

async function pullOne(context: ImageContext, reference: string, options: PullOptions): Promise<PullOutcome> {
  try {
    options.signal?.throwIfAborted();
    return {reference, pulled: await pullFromRegistry(context, reference, options)};
  } catch (error) {
    return {reference, error};
  }
}

async function listAll(context: ImageContext, texts: readonly string[], {signal, onEvent}: PullOptions) {
  const repositories = texts.map((text) => {
    const reference = parseReference(text);
    if (/@|:[^/]*$/.test(text)) throw tagUnexpected(text);
    return reference;
  });
  const registry = await context.registry();
  const lists: string[] = [];
  for (const repository of repositories) {
    const tags = await registry.listTags(repository, {signal, onEvent});
    lists.push(...tags.map((tag) => familiarReference(withTag(repository, tag))));
  }
  return lists;
}

const tagUnexpected = (text: string): WinchError =>
  new WinchError('TAG_UNEXPECTED', `${text} names one image of its repository, and all of them are wanted`, {
    kind: 'invalid',
    hint: 'leave the tag or digest out',
  });
