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
  readonly repository: string;
  readonly signal?: AbortSignal | undefined;
}

/** Logs in at one registry and remembers what it was given, one token for each repository. */
export interface Authorizer {
  /** The `Authorization` header to send; undefined while the registry has not asked for one. */
  header(repository: string): string | undefined;
  /**
   * Obtains a new header after a 401.
   *
   * @throws {WinchError} `AUTH_REQUIRED`, `AUTH_DENIED`, `REALM_REFUSED`, and those of the token endpoint.
   */
  answer(refusal: Refusal): Promise<string>;
  /** The error for a second 401, after `answer`. */
  denied(repository: string): WinchError;
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
  const denied = (repository: string): WinchError =>
    credential ? authDenied(registry, repository) : authRequired(registry, repository);
  const bearer = async (challenge: Challenge, refusal: Refusal): Promise<string> => {
    const {repository, origin, signal} = refusal;
    if (credential && 'registryToken' in credential) return credential.registryToken;
    const {parameters} = challenge;
    const token = await fetchToken(transport, {
      registry,
      repository,
      realm: checkRealm(parameters.get('realm'), origin),
      service: parameters.get('service'),
      scopes: [...new Set([`repository:${repository}:pull`, ...splitScopes(parameters.get('scope'))])],
      credential: credential ?? null,
      secrets: [...secrets],
      signal,
    });
    if (token === null) throw denied(repository);
    return token;
  };
  return {
    header: (repository) => tokens.get(repository) ?? basic,
    async answer(refusal) {
      credential ??= await credentials(registry, {signal: refusal.signal});
      for (const secret of secretsOf(credential)) secrets.add(secret);
      const challenges = parseChallenges(refusal.wwwAuthenticate ?? '');
      const bearerChallenge = challenges.find(({scheme}) => scheme === 'bearer');
      if (bearerChallenge) {
        const header = remember(`Bearer ${await bearer(bearerChallenge, refusal)}`);
        tokens.set(refusal.repository, header);
        return header;
      }
      const isBasic = challenges.some(({scheme}) => scheme === 'basic');
      if (!isBasic || !credential || !('password' in credential)) throw denied(refusal.repository);
      basic = remember(basicAuthorization(credential));
      return basic;
    },
    denied,
    secrets: () => [...secrets],
  };
}

const splitScopes = (scope = ''): readonly string[] => scope.split(' ').filter((part) => part !== '');

function secretsOf(credential: Credential | null): readonly string[] {
  const {username: _, ...secrets} = {username: '', ...credential};
  return Object.values(secrets);
}

function authRequired(registry: string, repository: string): WinchError {
  return new WinchError(
    'AUTH_REQUIRED',
    `${registry} asks for a login to read ${repository}; no credentials were sent`,
    {
      kind: 'unauthorized',
      hint: `check the name (private and unknown repositories look alike), or log in: docker login ${registry}`,
      details: {registry, repository},
    },
  );
}

function authDenied(registry: string, repository: string): WinchError {
  return new WinchError('AUTH_DENIED', `${registry} refuses the credentials that were sent to read ${repository}`, {
    kind: 'denied',
    hint: `log in again (docker login ${registry}), or ask for access to the repository`,
    details: {registry, repository},
  });
}
