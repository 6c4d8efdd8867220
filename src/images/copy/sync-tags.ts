import {isWinchError, WinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import {parseReference, type Reference, withTag} from '../../oci/reference.ts';
import type {RegistryClient} from '../../registry/client.ts';
import {compileTagPatterns, type TagPatterns} from '../remote/tag-patterns.ts';

export interface TagRequest extends TagPatterns {
  /** Leaves out tags that the target has, whatever they lead to. */
  readonly skipExisting?: boolean | undefined;
}

export interface SyncPlaces {
  readonly source: {readonly registry: RegistryClient; readonly repository: Reference};
  readonly target: {readonly registry: RegistryClient; readonly repository: Reference};
}

export interface TagPair {
  readonly tag: string;
  readonly source: Reference;
  readonly target: Reference;
}

/** Where registries without the referrers API list what refers to a manifest; no tag that anybody gave. */
const REFERRERS_TAG_PATTERN = /^sha(?:256|512)-[0-9a-f]{64}$/;

/** @throws {WinchError} `TAG_UNEXPECTED` | `REFERENCE_INVALID` */
export function parseRepository(text: string): Reference {
  const reference = parseReference(text.replace(/^docker:\/\//, ''));
  if (!/@|:[^/]*$/.test(text)) return reference;
  throw new WinchError('TAG_UNEXPECTED', `${text} names one image of its repository, and the repository is wanted`, {
    kind: 'invalid',
    hint: 'leave the tag or digest out; tags are chosen by patterns',
  });
}

/**
 * The tags to bring from one repository to another, in the order of the source's list; 10 000 at most.
 *
 * @throws {WinchError} `NAME_UNKNOWN` | `TAG_PATTERN_INVALID`
 */
export async function listTagPairs(
  {source, target}: SyncPlaces,
  {skipExisting, ...patterns}: TagRequest,
  {signal, onEvent}: CallOptions,
): Promise<readonly TagPair[]> {
  const choose = compileTagPatterns(patterns);
  const tags = await source.registry.listTags(source.repository, {signal, onEvent});
  const chosen = choose(tags).filter((tag) => !REFERRERS_TAG_PATTERN.test(tag));
  const existing = skipExisting ? await existingTags(target, {signal, onEvent}) : new Set<string>();
  return chosen
    .filter((tag) => !existing.has(tag))
    .map((tag) => ({tag, source: withTag(source.repository, tag), target: withTag(target.repository, tag)}));
}

async function existingTags(
  {registry, repository}: SyncPlaces['target'],
  options: CallOptions,
): Promise<ReadonlySet<string>> {
  try {
    return new Set(await registry.listTags(repository, {...options, avoidsMirrors: true}));
  } catch (error) {
    if (isWinchError(error, 'NAME_UNKNOWN')) return new Set();
    throw error;
  }
}
