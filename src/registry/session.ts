import {isWinchError, reword, WinchError} from '../errors.ts';
import type {EventSink} from '../events.ts';
import type {AccessAction} from './authorizer.ts';
import {chooseEndpoints, createEndpointRecord, type EndpointRecord, keyOf} from './endpoint-choice.ts';
import {type EndpointSession, type EndpointSessionOptions, openEndpointSession} from './endpoint-session.ts';
import type {Endpoint, HostDirectory, HostPlan} from './host-plan.ts';
import type {RequestBody, TransportRequest, TransportResponse} from './transport.ts';

export interface SessionOptions extends EndpointSessionOptions {
  readonly hosts: HostDirectory;
}

/** Mirrors and the registry; the place that it is read from; the place that it is written to, as for what is written next. */
export type Audience = 'all' | 'origin' | 'target';

export interface SessionRequest {
  /** Path and query below the registry's origin; or a whole URL that this registry gave (the place of an upload). */
  readonly path: string;
  /** The repository that the request is about; null: the registry itself. */
  readonly repository: string | null;
  /** What the login has to allow. Default: `pull`. */
  readonly actions?: readonly AccessAction[];
  /** Another repository of the registry that is read on the way: the source of a blob mount. */
  readonly alsoPull?: string | undefined;
  readonly method?: TransportRequest['method'];
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: RequestBody;
  /** Who may be asked to read. Default: `all`. What is no reading always goes to the `target`. */
  readonly audience?: Audience | undefined;
  /** Whether it is sent again after what may pass. Default: only to the registry itself, since mirrors have a stand-in. */
  readonly mayRepeat?: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: EventSink | undefined;
}

/** What one client knows about one registry: where it and its mirrors answer, and the logins there. */
export interface RegistrySession {
  /** As it stands in references. */
  readonly registry: string;
  /**
   * The reply to a request, logged in and redirected as far as needed, from the first endpoint that has one; any status
   * but the registry's own 401.
   *
   * @throws {WinchError} those of the transport, of redirects and of the login; `PROTOCOL_ERROR`: an encoded reply;
   *   `REGISTRY_BLOCKED`; `REGISTRY_CONFIG_INVALID`
   */
  request(request: SessionRequest): Promise<TransportResponse>;
  /**
   * Tells that a reply held something else than its digest promises, so that whoever gave it is not asked for this again.
   *
   * @returns Whether somebody else can be asked.
   */
  distrust(response: TransportResponse): boolean;
  /** Texts that no message may show. */
  secrets(): readonly string[];
}

/** Starts a session; nothing is read and nothing sent before the first request. */
export function openSession(registry: string, options: SessionOptions): RegistrySession {
  const sessions = new Map<string, EndpointSession>();
  const record = createEndpointRecord(registry);
  const sessionOf = (endpoint: Endpoint): EndpointSession => {
    const session = sessions.get(keyOf(endpoint)) ?? openEndpointSession(endpoint, options);
    sessions.set(keyOf(endpoint), session);
    return session;
  };
  const ask = (endpoint: Endpoint, request: SessionRequest) => sessionOf(endpoint).request(request, endpoint);
  return {
    registry,
    request: async (request) => {
      const plan = await options.hosts.plan({registry, repository: request.repository ?? ''});
      tellWarnings(options.hosts, request.onEvent);
      refuseBlocked(plan);
      return await askInTurn({request, record, ask, ...chooseEndpoints(plan, request, record)});
    },
    distrust: (response) => record.distrust(response),
    secrets: () => [...sessions.values()].flatMap((session) => session.secrets()),
  };
}

interface Turn {
  readonly request: SessionRequest;
  readonly record: EndpointRecord;
  readonly ask: (endpoint: Endpoint, request: SessionRequest) => Promise<TransportResponse>;
  /** In turn; the last one's answer is final. */
  readonly endpoints: readonly Endpoint[];
  /** Mirrors that did not answer of late: only asked when the last one does not either. */
  readonly reserve: readonly Endpoint[];
}

async function askInTurn(turn: Turn): Promise<TransportResponse> {
  const {request, record, ask, endpoints, reserve} = turn;
  for (const endpoint of endpoints.slice(0, -1)) {
    const response = await askMirror(endpoint, turn);
    if (response !== null) return response;
  }
  const last = endpoints.at(-1);
  if (!last) throw new TypeError('a plan without endpoints');
  try {
    return record.answered(last, request, await ask(last, request));
  } catch (error) {
    if (!isWinchError(error) || !isFault(error)) throw error;
    const again = [...endpoints.slice(0, -1).filter((endpoint) => record.isPausing(endpoint)), ...reserve];
    for (const endpoint of error.kind === 'unavailable' ? again : []) {
      const response = await askMirror(endpoint, {...turn, request: {...request, mayRepeat: true}});
      if (response !== null) return response;
    }
    throw withMirrors(error, endpoints.length - 1 + reserve.length);
  }
}

/** Null: the next one is to be asked. */
async function askMirror(endpoint: Endpoint, {request, record, ask}: Turn): Promise<TransportResponse | null> {
  try {
    const response = await ask(endpoint, request);
    // 416 is about the range, which would not fit elsewhere either.
    if (response.status < 400 || response.status === 416) return record.answered(endpoint, request, response);
    await response.discard();
    const state = response.status >= 500 || response.status === 429 ? 'pausing' : 'lacking';
    record.failed(endpoint, {request, reason: `it answers ${response.status}`, state});
  } catch (error) {
    if (!isWinchError(error) || !isFault(error)) throw error;
    record.failed(endpoint, {
      request,
      reason: error.message,
      state: error.kind === 'unavailable' ? 'silent' : 'lacking',
    });
  }
  return null;
}

const isFault = ({kind}: WinchError): boolean => kind === 'unavailable' || kind === 'unauthorized' || kind === 'denied';

function withMirrors(error: WinchError, mirrors: number): WinchError {
  if (mirrors === 0) return error;
  return reword(error, {details: {mirrors}});
}

function refuseBlocked({registry, blockedBy}: HostPlan): void {
  if (blockedBy === null) return;
  const {file = 'the configuration', entry} = blockedBy;
  throw new WinchError('REGISTRY_BLOCKED', `${registry} is blocked by ${file} (${entry})`, {
    kind: 'denied',
    hint: 'use another registry, or ask whoever wrote that file',
    details: {registry, file},
  });
}

function tellWarnings(hosts: HostDirectory, onEvent: EventSink | undefined): void {
  if (!onEvent) return;
  for (const warning of hosts.takeWarnings()) onEvent({type: 'warning:raised', ...warning});
}
