import {WinchError} from '../errors.ts';
import {monotonicMs} from '../host/monotonic-ms.ts';
import type {Endpoint, HostPlan} from './host-plan.ts';
import type {SessionRequest} from './session.ts';
import type {TransportResponse} from './transport.ts';

/** How long a mirror that does not answer, or asks to be left alone, is passed over. */
const DOWN_MS = 60_000;
const BY_DIGEST = /\/(?:manifests|blobs)\/sha\d+:[0-9a-f]+$/;

/** What a session remembers about the endpoints of its registry. */
export interface EndpointRecord {
  /** Notes who gave a reply, and gives it back. */
  answered(endpoint: Endpoint, request: SessionRequest, response: TransportResponse): TransportResponse;
  /** Notes that a mirror was of no use, and tells of it once for each reason. */
  failed(endpoint: Endpoint, failure: EndpointFailure): void;
  /** @see RegistrySession.distrust */
  distrust(response: TransportResponse): boolean;
  isDown(endpoint: Endpoint): boolean;
  isPausing(endpoint: Endpoint): boolean;
  isDistrusted(endpoint: Endpoint, path: string): boolean;
  /** Whether it has said what a tag of this repository is. */
  hasResolved(endpoint: Endpoint): boolean;
}

export interface EndpointFailure {
  readonly request: SessionRequest;
  /** One line. */
  readonly reason: string;
  /** Whether it had better be left alone for a while: it does not answer (`silent`), or cannot just now (`pausing`). */
  readonly state: 'lacking' | 'pausing' | 'silent';
}

/** The same for endpoints that share connections and logins. */
export const keyOf = ({origins, apiPath, headers}: Endpoint): string => JSON.stringify([origins, apiPath, headers]);

/**
 * Who may be asked, in turn.
 *
 * Whatever is no plain reading goes to the registry itself. What a tag names is asked where that is trusted; what has a
 * digest is asked anywhere, at a mirror for tags only after it has told what the tag is.
 *
 * @throws {WinchError} `ENDPOINT_MISSING`: configuration leaves nobody.
 */
export function chooseEndpoints(
  plan: HostPlan,
  request: SessionRequest,
  record: EndpointRecord,
): {readonly endpoints: readonly Endpoint[]; readonly reserve: readonly Endpoint[]} {
  if (!isReading(request)) return {endpoints: [plan.pushEndpoint], reserve: []};
  const path = pathOf(request);
  const hasDigest = BY_DIGEST.test(path);
  const isFit = (endpoint: Endpoint): boolean => {
    if (!endpoint.capabilities.includes(hasDigest ? 'pull' : 'resolve')) return false;
    if (endpoint.serves === 'digest') return hasDigest;
    return endpoint.serves === 'all' || !hasDigest || record.hasResolved(endpoint);
  };
  const fit = plan.endpoints.filter(isFit);
  const last = fit.at(-1);
  if (!last) throw endpointMissing(plan, hasDigest);
  if (request.audience === 'origin') return {endpoints: [last], reserve: []};
  const mirrors = fit.slice(0, -1).filter((endpoint) => !record.isDistrusted(endpoint, path));
  return {
    endpoints: [...mirrors.filter((endpoint) => !record.isDown(endpoint)), last],
    reserve: mirrors.filter((endpoint) => record.isDown(endpoint)),
  };
}

/** Opens the memory of a session. */
export function createEndpointRecord(registry: string, now: () => number = monotonicMs): EndpointRecord {
  const replies = new WeakMap<TransportResponse, {readonly endpoint: Endpoint; readonly request: SessionRequest}>();
  const downUntil = new Map<string, number>();
  const pausing = new Set<string>();
  const resolved = new Set<string>();
  const distrusted = new Set<string>();
  const told = new Set<string>();
  const tell = ({host}: Endpoint, {onEvent}: SessionRequest, reason: string) => {
    const key = `${host} ${reason}`;
    if (!onEvent || told.has(key)) return;
    told.add(key);
    onEvent({type: 'mirror:failed', registry, mirror: host, reason});
  };
  const isDistrusted = (endpoint: Endpoint, path: string) => distrusted.has(`${keyOf(endpoint)} ${path}`);
  const resolvedKey = (endpoint: Endpoint) => `${keyOf(endpoint)} ${endpoint.repository}`;
  return {
    answered: (endpoint, request, response) => {
      replies.set(response, {endpoint, request});
      downUntil.delete(keyOf(endpoint));
      pausing.delete(keyOf(endpoint));
      if (!BY_DIGEST.test(pathOf(request))) resolved.add(resolvedKey(endpoint));
      return response;
    },
    failed: (endpoint, {request, reason, state}) => {
      if (state !== 'lacking') downUntil.set(keyOf(endpoint), now() + DOWN_MS);
      if (state === 'pausing') pausing.add(keyOf(endpoint));
      tell(endpoint, request, reason);
    },
    distrust: (response) => {
      const reply = replies.get(response);
      if (!reply?.endpoint.isMirror || isDistrusted(reply.endpoint, pathOf(reply.request))) return false;
      distrusted.add(`${keyOf(reply.endpoint)} ${pathOf(reply.request)}`);
      tell(reply.endpoint, reply.request, 'what it sends has another digest');
      return true;
    },
    isDown: (endpoint) => (downUntil.get(keyOf(endpoint)) ?? 0) > now(),
    isPausing: (endpoint) => pausing.has(keyOf(endpoint)),
    isDistrusted,
    hasResolved: (endpoint) => resolved.has(resolvedKey(endpoint)),
  };
}

const pathOf = ({path}: SessionRequest): string => path.split('?', 1)[0] ?? '';

function isReading({method = 'GET', actions = ['pull'], repository, audience, path}: SessionRequest): boolean {
  if (audience === 'target' || repository === null || !path.startsWith('/v2/')) return false;
  return (method === 'GET' || method === 'HEAD') && actions.every((action) => action === 'pull');
}

function endpointMissing({registry, endpoints}: HostPlan, hasDigest: boolean): WinchError {
  const {file = 'the configuration'} = endpoints.at(-1)?.source ?? {};
  const deed = hasDigest ? 'pulled from' : 'asked what a tag is';
  return new WinchError('ENDPOINT_MISSING', `${file} names no host for ${registry} that may be ${deed}`, {
    kind: 'denied',
    hint: 'the capabilities of the hosts in that file say so',
    details: {registry, file},
  });
}
