import type {TransportRequest} from './transport.ts';

const MASK = '***';
/** Of headers with other names nothing but the name is told. */
const HARMLESS_HEADERS =
  /^(?:accept(?:-.*)?|age|allow|cache-control|connection|content-(?:disposition|encoding|length|range|type)|date|docker-(?:content-digest|distribution-api-version|ratelimit-source|upload-uuid)|etag|host|keep-alive|last-modified|oci-.*|range|retry-after|server|transfer-encoding|user-agent|vary|via|warning|x-?ratelimit-.*|ratelimit-.*|x-request-id)$/;
/** URLs with queries, and texts of a registry. */
const MASKED_HEADERS = /^(?:link|location|www-authenticate)$/;
/** Of the registry's own API, and of token endpoints. */
const HARMLESS_PARAMETERS = new Set(['artifactType', 'digest', 'from', 'last', 'mount', 'n', 'ns', 'scope', 'service']);
const HARMLESS_FIELDS = new Set(['client_id', 'grant_type', 'offline_token', 'scope', 'service']);
/** Masking shorter ones would spoil every text and protect nothing. */
const SHORTEST_SECRET = 4;

/** Makes what goes over the wire fit to be shown. */
export interface Mask {
  /** Takes note of the secrets in a request. */
  learn(request: TransportRequest): void;
  headers(headers: Readonly<Record<string, string | readonly string[] | undefined>>): Readonly<Record<string, string>>;
  url(url: URL): string;
  text(text: string): string;
}

export function createMask(): Mask {
  const secrets = new Set<string>();
  const text = (value: string): string => {
    let masked = value;
    for (const secret of secrets) masked = masked.replaceAll(secret, MASK);
    return masked;
  };
  return {
    learn: (request) => {
      for (const secret of secretsOf(request)) if (secret.length >= SHORTEST_SECRET) secrets.add(secret);
    },
    headers: (headers) =>
      Object.fromEntries(
        Object.entries(headers).flatMap(([name, value]) =>
          value === undefined ? [] : [[name, maskHeader(name.toLowerCase(), String(value), text)]],
        ),
      ),
    url: (url) => text(maskUrl(url)),
    text,
  };
}

function maskHeader(name: string, value: string, text: (value: string) => string): string {
  if (HARMLESS_HEADERS.test(name)) return text(value);
  if (MASKED_HEADERS.test(name)) return text(maskQueries(value));
  if (name === 'authorization') return `${/^(?:Basic|Bearer)(?= )/i.exec(value)?.[0] ?? ''} ${MASK}`.trimStart();
  return MASK;
}

function maskUrl({protocol, host, pathname, searchParams}: URL): string {
  const isOwn = /^\/v2(?:\/|$)/.test(pathname) || searchParams.has('service') || searchParams.has('scope');
  const parameters = [...searchParams].map(
    ([name, value]) =>
      `${encodeURIComponent(name)}=${isOwn && HARMLESS_PARAMETERS.has(name) ? encodeURI(value) : MASK}`,
  );
  return `${protocol}//${host}${pathname}${parameters.length > 0 ? `?${parameters.join('&')}` : ''}`;
}

/** Values of queries, and user names and passwords of URLs, in any text. */
const maskQueries = (text: string): string =>
  text.replace(/([?&;][^=&;\s"'<>]*=)[^&;\s"'<>]*/g, `$1${MASK}`).replace(/(:?\/\/)[^/\s"'<>@]*@/g, `$1${MASK}@`);

function secretsOf({headers = {}, form}: TransportRequest): readonly string[] {
  const given = Object.entries(headers).find(([name]) => name.toLowerCase() === 'authorization')?.[1] ?? '';
  const [scheme, value = ''] = given.split(' ');
  const pair = scheme?.toLowerCase() === 'basic' ? Buffer.from(value, 'base64').toString() : '';
  const password = pair.slice(pair.indexOf(':') + 1);
  const fields = [...(form ?? [])].flatMap(([name, field]) => (HARMLESS_FIELDS.has(name) ? [] : [field]));
  const plain = [value, password, ...fields].filter((secret) => secret !== '');
  return plain.flatMap((secret) => [secret, encodeURIComponent(secret)]);
}
