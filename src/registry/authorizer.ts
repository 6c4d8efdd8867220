import {WinchError} from '../errors.ts';
import type {Login} from './answer-challenge.ts';
import type {Credential, CredentialSource} from './credentials.ts';
import {openLogins} from './logins.ts';
import {type Access, describeAccess} from './scopes.ts';
import type {Transport, TransportResponse} from './transport.ts';

export type {Access, AccessAction} from './scopes.ts';

export interface AuthorizerOptions {
  /** As it stands in references. */
  readonly registry: string;
  readonly credentials: CredentialSource;
  readonly transport: Transport;
  /** Asks for a token that replaces the password from now on, and is told the one that was given. */
  readonly onIdentityToken?: ((token: string) => void) | undefined;
}

/** A request that may have to log in. */
export interface AuthorizedRequest {
  readonly access: Access;
  /** Sends it with this `Authorization` header, or without one; called again with another after a 401. */
  readonly send: (authorization: string | undefined) => Promise<TransportResponse>;
  /** Whether the registry itself gave this reply: where a redirect leads, a 401 is an error like any other. */
  readonly isOwn: (response: TransportResponse) => boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Logs in at one registry and remembers what it was given. */
export interface Authorizer {
  /**
   * The reply to a request; any status but the registry's own 401.
   *
   * Nothing is sent that the registry has not asked for, and nothing looked up: the first request goes out bare. Requests
   * that are refused together share one token, and so do those for which an earlier token is good. Each request is
   * sent at most twice, or three times when the first token was an anonymous one.
   *
   * @throws {WinchError} `AUTH_REQUIRED`, `AUTH_DENIED`, `REALM_REFUSED`, and those of the token endpoint.
   */
  exchange(request: AuthorizedRequest): Promise<TransportResponse>;
  /** What was ever sent or received to log in. */
  secrets(): readonly string[];
}

/** Opens the login of one registry. */
export function openAuthorizer(options: AuthorizerOptions): Authorizer {
  const {registry} = options;
  const logins = openLogins(options);
  const exchange = async ({access, send, isOwn, signal}: AuthorizedRequest): Promise<TransportResponse> => {
    let login = logins.find(access);
    let isFresh = false;
    while (true) {
      const response = await send(login?.header);
      if (!isOwn(response) || (response.status !== 401 && response.status !== 403)) return response;
      const mayTryMore = !isFresh || login?.isAnonymous === true;
      if (response.status === 403 && !(await mayAnswerDenial(login, access, signal))) return response;
      await response.discard();
      if (!mayTryMore) throw authFailed(registry, access, logins.credential(access));
      const next = await logins.renew({
        origin: response.url,
        wwwAuthenticate: response.headers['www-authenticate'] ?? login?.wwwAuthenticate,
        access,
        refused: login,
        isAnonymousRefused: login?.isAnonymous === true && (isFresh || response.status === 403),
        signal,
      });
      if (next === null) throw authFailed(registry, access, logins.credential(access));
      login = next;
      isFresh = true;
    }
  };
  /** A 403 for an anonymous token says that a login may help. */
  const mayAnswerDenial = async (
    login: Login | undefined,
    access: Access,
    signal: AbortSignal | undefined,
  ): Promise<boolean> => login?.isAnonymous === true && (await logins.lookUp(access, signal)) !== null;
  return {exchange, secrets: logins.secrets};
}

function authFailed(registry: string, access: Access, credential: Credential | null): WinchError {
  return credential ? authDenied(registry, access) : authRequired(registry, access);
}

function authRequired(registry: string, access: Access): WinchError {
  return new WinchError(
    'AUTH_REQUIRED',
    `${registry} asks for a login to ${describeAccess(access)}; no credentials were sent`,
    {
      kind: 'unauthorized',
      hint: `check the name (private and unknown repositories look alike), or log in: winch login ${registry}`,
      details: {registry, repository: access.repository ?? ''},
    },
  );
}

function authDenied(registry: string, access: Access): WinchError {
  const message = `${registry} refuses the credentials that were sent to ${describeAccess(access)}`;
  return new WinchError('AUTH_DENIED', message, {
    kind: 'denied',
    hint: `log in again (winch login ${registry}), or ask for access to the repository`,
    details: {registry, repository: access.repository ?? ''},
  });
}
