import {jsonReply, type RegistryReply} from './registry-reply.ts';

export interface ListToPage {
  readonly path: string;
  readonly query: URLSearchParams;
  /** In their order. */
  readonly names: readonly string[];
}

const MOST = 10_000;

/**
 * A page of a list, and in `Link` where the next one is.
 *
 * @param body What the names are a part of.
 * @see distribution-spec v1.1.1 spec.md#listing-tags
 */
export function pageReply(
  {path, query, names}: ListToPage,
  body: (names: readonly string[]) => unknown,
): RegistryReply {
  const last = query.get('last');
  const asked = query.get('n');
  const limit = asked !== null && /^\d{1,9}$/.test(asked) ? Math.min(Number(asked), MOST) : MOST;
  const rest = last === null ? names : names.filter((name) => name > last);
  const page = rest.slice(0, limit);
  const end = page.at(-1);
  if (end === undefined || page.length === rest.length) return jsonReply(body(page));
  const next = new URLSearchParams({n: String(limit), last: end});
  const origin = query.get('ns');
  if (origin !== null) next.set('ns', origin);
  return jsonReply(body(page), {Link: `<${path}?${next}>; rel="next"`});
}
