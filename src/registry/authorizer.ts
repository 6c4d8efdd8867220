import {WinchError} from '../errors.ts';
import {type Challenge, parseChallenges} from './challenge.ts';
import type {Credential, CredentialSource} from './credentials.ts';
import {checkRealm} from './realm.ts';
import {basicAuthorization, fetchToken} from './token.ts';
import type {Transport} from './transport.ts';

export interface AuthorizerOptions {
  /** As it stands in references. */
  readonly registry: string;
  readonly credentials: CredentialSource;
  readonly transport: Transport;
}

/** A 401 of the registry and what it was the answer to. */
export interface Refusal {
  /** Where the registry answers. */
  readonly origin: URL;
  readonly wwwAuthenticate: string | undefined;
  readonly access: Access;
  readonly signal?: AbortSignal | undefined;
}

/** What a request is about to do: actions on a repository (`team/app`), or on the registry as a whole. */
export interface Access {
  /** Null: the registry itself (its catalog, its ping). */
  readonly repository: string | null;
  readonly actions: readonly AccessAction[];
}

export type AccessAction = 'pull' | 'push' | 'delete' | 'catalog';

/** Logs in at one registry and remembers what it was given, one token for each repository and set of actions. */
export interface Authorizer {
  /** The `Authorization` header to send; undefined while the registry has not asked for one. */
  header(access: Access): string | undefined;
  /**
   * Obtains a new header after a 401.
   *
   * @throws {WinchError} `AUTH_REQUIRED`, `AUTH_DENIED`, `REALM_REFUSED`, and those of the token endpoint.
   */
  answer(refusal: Refusal): Promise<string>;
  /** The error for a second 401, after `answer`. */
  denied(access: Access): WinchError;
  /** What was ever sent or received to log in. */
  secrets(): readonly string[];
}

/** Opens the login of one registry; credentials are looked up when it first asks. */
export function openAuthorizer({registry, credentials, transport}: AuthorizerOptions): Authorizer {
  const tokens = new Map<string, string>();
  const secrets = new Set<string>();
  let basic: string | undefined;
  let credential: Credential | null | undefined;
  const remember = (header: string): string => {
    secrets.add(header.slice(header.indexOf(' ') + 1));
    return header;
  };
  const denied = (access: Access): WinchError =>
    credential ? authDenied(registry, access) : authRequired(registry, access);
  const bearer = async (challenge: Challenge, refusal: Refusal): Promise<string> => {
    const {access, origin, signal} = refusal;
    if (credential && 'registryToken' in credential) return credential.registryToken;
    const {parameters} = challenge;
    const token = await fetchToken(transport, {
      registry,
      repository: access.repository ?? '',
      realm: checkRealm(parameters.get('realm'), origin),
      service: parameters.get('service'),
      scopes: [...new Set([...scopesOf(access), ...splitScopes(parameters.get('scope'))])],
      credential: credential ?? null,
      secrets: [...secrets],
      signal,
    });
    if (token === null) throw denied(access);
    return token;
  };
  return {
    header: (access) => tokens.get(keyOf(access)) ?? basic,
    async answer(refusal) {
      credential ??= await credentials(registry, {signal: refusal.signal});
      for (const secret of secretsOf(credential)) secrets.add(secret);
      const challenges = parseChallenges(refusal.wwwAuthenticate ?? '');
      const bearerChallenge = challenges.find(({scheme}) => scheme === 'bearer');
      if (bearerChallenge) {
        const header = remember(`Bearer ${await bearer(bearerChallenge, refusal)}`);
        tokens.set(keyOf(refusal.access), header);
        return header;
      }
      const isBasic = challenges.some(({scheme}) => scheme === 'basic');
      if (!isBasic || !credential || !('password' in credential)) throw denied(refusal.access);
      basic = remember(basicAuthorization(credential));
      return basic;
    },
    denied,
    secrets: () => [...secrets],
  };
}

const keyOf = ({repository, actions}: Access): string => `${repository ?? ''} ${actions.toSorted().join()}`;

/** @see distribution docs/content/spec/auth/scope.md */
function scopesOf({repository, actions}: Access): readonly string[] {
  if (actions.length === 0) return [];
  return [repository === null ? 'registry:catalog:*' : `repository:${repository}:${actions.join()}`];
}

/** `read team/app`, for messages. */
function describeAccess({repository, actions}: Access): string {
  const what = repository ?? 'what it offers';
  if (actions.includes('push')) return `write to ${what}`;
  return actions.includes('delete') ? `delete from ${what}` : `read ${what}`;
}

const splitScopes = (scope = ''): readonly string[] => scope.split(' ').filter((part) => part !== '');

function secretsOf(credential: Credential | null): readonly string[] {
  const {username: _, ...secrets} = {username: '', ...credential};
  return Object.values(secrets);
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
