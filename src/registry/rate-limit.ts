import type {RegistrySession} from './session.ts';
import type {TransportResponse} from './transport.ts';

export interface RateLimit {
  /** Pulls within the window. */
  readonly limit: number;
  /** Null: the registry does not say. */
  readonly remaining: number | null;
  readonly windowSeconds: number | null;
  /** Who is counted: an address or an account's id. */
  readonly source: string | null;
}

interface RateLimitRequest {
  readonly repository: string;
  readonly reference?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

const SOURCE_CHARACTERS = 100;

/** @see RegistryClient.rateLimit */
export async function readRateLimit(session: RegistrySession, request: RateLimitRequest): Promise<RateLimit | null> {
  const {repository, reference = 'latest', signal} = request;
  const path = `/v2/${repository}/manifests/${reference}`;
  const response = await session.request({method: 'HEAD', path, repository, signal});
  await response.discard();
  return parseRateLimit(response.headers);
}

/** Docker Hub's headers (`100;w=21600`), or the `x-ratelimit-` ones that other registries send. */
export function parseRateLimit(headers: TransportResponse['headers']): RateLimit | null {
  const limit = parseQuota(headers['ratelimit-limit'] ?? headers['x-ratelimit-limit']);
  if (limit === null) return null;
  const remaining = parseQuota(headers['ratelimit-remaining'] ?? headers['x-ratelimit-remaining']);
  const source = [headers['docker-ratelimit-source'] ?? []].flat()[0];
  return {
    limit: limit.count,
    remaining: remaining?.count ?? null,
    windowSeconds: limit.windowSeconds ?? remaining?.windowSeconds ?? null,
    source: source === undefined ? null : source.slice(0, SOURCE_CHARACTERS),
  };
}

function parseQuota(header: string | readonly string[] | undefined) {
  const match = /^\s*(\d{1,12})(?:\s*;\s*w=(\d{1,12}))?/.exec([header ?? ''].flat()[0] ?? '');
  const [, count, window] = match ?? [];
  if (count === undefined) return null;
  return {count: Number(count), windowSeconds: window === undefined ? null : Number(window)};
}
