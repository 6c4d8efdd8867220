import {WinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import {familiarRepository} from '../../oci/reference.ts';
import type {RemoteContext} from './context.ts';
import {parseRepository} from './repository-name.ts';
import type {TagPatterns} from './tag-patterns.ts';

export interface TagList {
  readonly repository: string;
  readonly tags: readonly string[];
}

export interface ListTagsOptions extends CallOptions, TagPatterns {
  /** At most so many, counted after filters and order. Default: all, up to 100 000. */
  readonly limit?: number | undefined;
  /** Begins after this one, in the registry's order. */
  readonly last?: string | undefined;
  /** `none` (default): as the registry orders them. `semver`: oldest version first, what is no version before them. */
  readonly sort?: 'none' | 'name' | 'semver' | undefined;
  readonly isReversed?: boolean | undefined;
  /** Leaves out the tags that tools make from digests, for signatures and lists of referrers. */
  readonly omitDigestTags?: boolean | undefined;
}

export const TAGS_LIMIT = 100_000;
/** cosign's `sha256-<hex>.sig`, and the referrers tags of distribution-spec v1.1.1 spec.md#referrers-tag-schema. */
const DIGEST_TAG_PATTERN = /^sha(?:256|512)-[0-9a-f]{64}/;

/**
 * The tags of a repository, each once.
 *
 * @throws {WinchError} `REFERENCE_INVALID`, `TAG_PATTERN_INVALID`, `NAME_UNKNOWN`, and those of `RegistryClient`;
 * `LIMIT_TAGS`: more than 100 000.
 */
export async function listRemoteTags(
  context: RemoteContext,
  repositoryText: string,
  options: ListTagsOptions = {},
): Promise<TagList> {
  const name = parseRepository(repositoryText);
  const choose = await compileChoice(options);
  const client = await context.registry();
  const {signal, onEvent, last, limit = TAGS_LIMIT + 1} = options;
  const isPlain = choose === null;
  const tags = await client.listTags(name, {signal, onEvent, last, limit: isPlain ? limit : TAGS_LIMIT + 1});
  const repository = familiarRepository(name);
  if (tags.length > TAGS_LIMIT) throw tooManyTags(repository);
  return {repository, tags: isPlain ? tags : (await choose(tags)).slice(0, limit)};
}

type Choice = (tags: readonly string[]) => readonly string[];

/** Null: everything, as it comes. */
async function compileChoice(options: ListTagsOptions): Promise<Choice | null> {
  const {include = [], exclude = [], sort = 'none', isReversed = false, omitDigestTags = false} = options;
  const steps: Choice[] = [];
  if (omitDigestTags) steps.push((tags) => tags.filter((tag) => !DIGEST_TAG_PATTERN.test(tag)));
  if (include.length + exclude.length > 0) {
    steps.push((await import('./tag-patterns.ts')).compileTagPatterns({include, exclude}));
  }
  if (sort === 'name') steps.push((tags) => tags.toSorted());
  if (sort === 'semver') steps.push((await import('./tag-patterns.ts')).sortByVersion);
  if (isReversed) steps.push((tags) => tags.toReversed());
  return steps.length === 0 ? null : (tags) => steps.reduce((chosen, step) => step(chosen), tags);
}

const tooManyTags = (repository: string): WinchError =>
  new WinchError('LIMIT_TAGS', `${repository} has more than ${TAGS_LIMIT} tags`, {
    kind: 'refused',
    hint: 'list a part of them',
  });
