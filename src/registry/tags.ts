import is from '@sindresorhus/is';
import {WinchError} from '../errors.ts';
import {readLimited} from './response-body.ts';
import {repositoryUnknown, responseError} from './response-errors.ts';
import type {RegistrySession} from './session.ts';
import type {TransportResponse} from './transport.ts';

const TAGS_LIMIT = 10_000;
const TAGS_PER_PAGE = 1000;
const PAGE_LIMIT_BYTES = 4_194_304;
const NEAREST = 5;
/** The length of the longest tag. */
const COMPARED_CHARACTERS = 128;

interface TagsRequest {
  readonly repository: string;
  /** Stops after so many tags. */
  readonly limit?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** @see RegistryClient.listTags */
export async function listTags(session: RegistrySession, request: TagsRequest): Promise<readonly string[]> {
  const {repository, limit = TAGS_LIMIT, signal} = request;
  const first = `/v2/${repository}/tags/list`;
  const tags: string[] = [];
  let path: string | null = `${first}?n=${Math.min(limit, TAGS_PER_PAGE)}`;
  while (path !== null && tags.length < limit) {
    const response: TransportResponse = await session.request({path, repository, signal});
    if (response.status !== 200) throw await tagsError(response, session, repository);
    const page = await readPage(response, session);
    tags.push(...page);
    // A page without tags that names another one would be asked for without end.
    path = page.length === 0 ? null : nextPage(response, first);
  }
  return tags.slice(0, limit);
}

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

function tagsError(response: TransportResponse, {registry, secrets}: RegistrySession, repository: string) {
  const notFound = repositoryUnknown(registry, repository);
  return responseError(response, {
    registry,
    repository,
    wanted: `the tags of ${repository}`,
    notFound,
    secrets: secrets(),
  });
}

async function readPage(response: TransportResponse, session: RegistrySession): Promise<readonly string[]> {
  const tooLarge = () => malformed(session, 'longer than 4 MiB');
  const text = (await readLimited(response, {limitBytes: PAGE_LIMIT_BYTES, tooLarge})).toString();
  const body = parsePage(text, session);
  const tags = is.plainObject(body) ? (body.tags ?? []) : null;
  if (!is.array(tags, is.string)) throw malformed(session, 'no list of strings');
  return tags;
}

function parsePage(text: string, session: RegistrySession): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) throw malformed(session, 'no JSON');
    throw error;
  }
}

/** distribution-spec v1.1.1 spec.md#listing-tags: only the query of the link counts, so it cannot lead elsewhere. */
function nextPage(response: TransportResponse, path: string): string | null {
  const link = [response.headers.link ?? ''].flat().join(', ');
  const target = /<([^<>]{1,2000})>\s*;\s*rel="?next"?/i.exec(link)?.[1];
  if (target === undefined || !URL.canParse(target, response.url)) return null;
  return `${path}${new URL(target, response.url).search}`;
}

function malformed({registry}: RegistrySession, fault: string): WinchError {
  return new WinchError('PROTOCOL_ERROR', `the tag list of ${registry} is ${fault}`, {
    kind: 'unavailable',
    hint: 'check that the host is a registry',
  });
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
