import {WinchError} from '../errors.ts';
import type {Handler, Hijack} from './api-request.ts';

export type Route = RoutePath & (Answered | Hijacked);

interface RoutePath {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  /** `{name}` stands for one part of a path, `{name*}` for several, as names of images have them. */
  readonly path: string;
}

interface Answered {
  /** Loads what answers, at the first request of its kind. */
  readonly load: () => Promise<Handler>;
  readonly loadHijack?: undefined;
}

/** Its requests leave HTTP, whether they say so (`Connection: Upgrade`) or not. */
interface Hijacked {
  readonly loadHijack: () => Promise<Hijack>;
}

export interface FoundRoute {
  readonly route: Route;
  readonly parameters: Readonly<Record<string, string>>;
}

export type FindRoute = (method: string, path: string) => FoundRoute | null;

export const OLDEST_VERSION = '1.24';
export const NEWEST_VERSION = '1.51';

const VERSION = /^\/v(\d{1,3}\.\d{1,3})(?=\/)/;
const PARAMETER = /\{([a-z]+)(\*?)\}/g;

/**
 * Makes a table of routes that are tried in their order.
 *
 * @throws {WinchError} of a look: `API_VERSION_UNSUPPORTED` | `PATH_INVALID`
 */
export function createFindRoute(routes: readonly Route[]): FindRoute {
  const patterns = routes.map((route) => ({route, pattern: patternOf(route.path)}));
  return (method, path) => {
    const plain = withoutVersion(path);
    for (const {route, pattern} of patterns) {
      const match = route.method === method ? pattern.exec(plain) : null;
      if (match) return {route, parameters: decodeAll(match.groups ?? {})};
    }
    return null;
  };
}

const patternOf = (path: string): RegExp =>
  new RegExp(
    `^${path.replace(PARAMETER, (_, name: string, several: string) => `(?<${name}>${several ? '.+' : '[^/]+'})`)}$`,
  );

function withoutVersion(path: string): string {
  const [prefix = '', version] = VERSION.exec(path) ?? [];
  if (version === undefined) return path;
  if (compare(version, OLDEST_VERSION) < 0) {
    throw versionError(`client version ${version} is too old. Minimum supported API version is ${OLDEST_VERSION}`);
  }
  if (compare(version, NEWEST_VERSION) > 0) {
    throw versionError(`client version ${version} is too new. Maximum supported API version is ${NEWEST_VERSION}`);
  }
  return path.slice(prefix.length);
}

/** Both have one major and one minor number. */
const compare = (a: string, b: string): number => a.localeCompare(b, 'en', {numeric: true});

const versionError = (message: string) => new WinchError('API_VERSION_UNSUPPORTED', message, {kind: 'invalid'});

function decodeAll(groups: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(groups).map(([name, value]) => [name, decode(value)]));
}

function decode(value: string): string {
  try {
    const decoded = decodeURIComponent(value);
    if (!decoded.includes('\0')) return decoded;
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
  }
  throw new WinchError('PATH_INVALID', 'the path of the request is not encoded as a URL has it', {kind: 'invalid'});
}
