import {isArray, isPlainObject, isString} from '@sindresorhus/is';
import {WinchError} from '../errors.ts';
import {readLimited} from './response-body.ts';
import {repeatCut} from './retries.ts';
import type {RegistrySession, SessionRequest} from './session.ts';
import type {TransportResponse} from './transport.ts';

const ITEMS_LIMIT = 10_000;
const ITEMS_PER_PAGE = 1000;
const PAGE_LIMIT_BYTES = 4_194_304;

export interface PagedList {
  /** Where the list begins, without a query. */
  readonly path: string;
  /** The member of a page that holds the strings. */
  readonly member: string;
  /** For messages: `the tag list`. */
  readonly what: string;
  readonly repository: string | null;
  readonly actions?: NonNullable<SessionRequest['actions']>;
  /** Stops after so many. Default: 10 000. */
  readonly limit?: number | undefined;
  /** Begins after this one. */
  readonly last?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The error for a reply other than 200. */
  readonly failure: (response: TransportResponse) => Promise<WinchError>;
}

/**
 * The strings of a list that comes in pages, each once.
 *
 * @throws {WinchError} `PROTOCOL_ERROR`: also for pages without end that bring nothing new.
 * @see distribution-spec v1.1.1 spec.md#listing-tags
 */
export async function readPagedList(session: RegistrySession, list: PagedList): Promise<readonly string[]> {
  const {repository, actions, limit = ITEMS_LIMIT, last, signal, failure} = list;
  const query = new URLSearchParams({n: String(Math.min(limit, ITEMS_PER_PAGE)), ...(last !== undefined && {last})});
  const items = new Set<string>();
  let path: string | null = `${list.path}?${query}`;
  while (path !== null && items.size < limit) {
    const request: SessionRequest = {path, repository, signal, ...(actions && {actions})};
    const fetchPage = async () => {
      const response = await session.request(request);
      if (response.status !== 200) throw await failure(response);
      return {page: await readPage(response, session, list), next: nextPage(response, list.path)};
    };
    const {page, next} = await repeatCut(fetchPage, {signal});
    const before = items.size;
    for (const item of page) items.add(item);
    path = page.length === 0 ? null : next;
    if (path !== null && items.size === before) throw malformed(session, list, 'repeating itself');
  }
  return [...items].slice(0, limit);
}

/** RFC 8288: only the query of the link counts, so it cannot lead elsewhere. */
export function nextPage(response: TransportResponse, path: string): string | null {
  const link = [response.headers.link ?? ''].flat().join(', ');
  const target = /<([^<>]{1,2000})>\s*;\s*rel="?next"?/i.exec(link)?.[1];
  if (target === undefined || !URL.canParse(target, response.url)) return null;
  return `${path}${new URL(target, response.url).search}`;
}

async function readPage(
  response: TransportResponse,
  session: RegistrySession,
  list: PagedList,
): Promise<readonly string[]> {
  const fault = (text: string) => malformed(session, list, text);
  const tooLarge = () => fault('longer than 4 MiB');
  const text = (await readLimited(response, {limitBytes: PAGE_LIMIT_BYTES, tooLarge})).toString();
  const body = parsePage(text, fault);
  const items = isPlainObject(body) ? (body[list.member] ?? []) : null;
  if (!isArray(items, isString)) throw fault('no list of strings');
  return items;
}

function parsePage(text: string, fault: (text: string) => WinchError): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) throw fault('no JSON');
    throw error;
  }
}

const malformed = ({registry}: RegistrySession, {what}: PagedList, fault: string): WinchError =>
  new WinchError('PROTOCOL_ERROR', `${what} of ${registry} is ${fault}`, {
    kind: 'unavailable',
    hint: 'check that the host is a registry',
  });
