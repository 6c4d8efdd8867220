import {readPagedList} from './paged-list.ts';
import {repositoryUnknown, responseError} from './response-errors.ts';
import type {RegistrySession} from './session.ts';

const NEAREST = 5;
/** The length of the longest tag. */
const COMPARED_CHARACTERS = 128;

interface TagsRequest {
  readonly repository: string;
  readonly limit?: number | undefined;
  readonly last?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** @see RegistryClient.listTags */
export const listTags = (session: RegistrySession, request: TagsRequest): Promise<readonly string[]> =>
  readPagedList(session, {
    path: `/v2/${request.repository}/tags/list`,
    member: 'tags',
    what: 'the tag list',
    ...request,
    failure: (response) =>
      responseError(response, {
        registry: session.registry,
        repository: request.repository,
        wanted: `the tags of ${request.repository}`,
        notFound: repositoryUnknown(session.registry, request.repository),
        secrets: session.secrets(),
      }),
  });

/**
 * The tags, five at most, that were most likely meant: those that begin like `wanted` (or `wanted` like them) first,
 * then by edit distance, then by name.
 */
export function nearestTags(wanted: string, tags: readonly string[]): readonly string[] {
  return tags
    .map((tag) => ({
      tag,
      isRelated: tag.startsWith(wanted) || wanted.startsWith(tag),
      distance: editDistance(wanted, tag),
    }))
    .sort((a, b) => Number(b.isRelated) - Number(a.isRelated) || a.distance - b.distance || (a.tag < b.tag ? -1 : 1))
    .slice(0, NEAREST)
    .map(({tag}) => tag);
}

/** Levenshtein's distance, one row at a time. */
function editDistance(from: string, to: string): number {
  const [a, b] = [from.slice(0, COMPARED_CHARACTERS), to.slice(0, COMPARED_CHARACTERS)];
  let row = Array.from({length: b.length + 1}, (_, column) => column);
  for (let line = 1; line <= a.length; line++) {
    const next = [line];
    for (let column = 1; column <= b.length; column++) {
      const substitution = (row[column - 1] ?? 0) + (a[line - 1] === b[column - 1] ? 0 : 1);
      next.push(Math.min(substitution, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
