import {type Challenge, parseChallenges} from './challenge.ts';
import type {Credential} from './credentials.ts';
import {checkRealm} from './realm.ts';
import {type Access, basicGrantOf, grantsOf, mergeScopes} from './scopes.ts';
import {basicAuthorization, fetchToken} from './token.ts';
import type {Transport} from './transport.ts';

/** A header that a registry takes, as far as is known. */
export interface Login {
  /** The value of `Authorization`. */
  readonly header: string;
  /** What it is good for: grants of {@link grantsOf}, or a repository that Basic was sent for. */
  readonly grants: ReadonlySet<string>;
  readonly isAnonymous: boolean;
  /** The challenge that it answered. */
  readonly wwwAuthenticate: string | undefined;
}

/** A refusal by the registry and what it was the answer to. */
export interface Refusal {
  /** Where the registry answers. */
  readonly origin: URL;
  readonly wwwAuthenticate: string | undefined;
  readonly access: Access;
  /** What was sent. */
  readonly refused: Login | undefined;
  /** Whether an anonymous token has just been tried. */
  readonly isAnonymousRefused: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface Answer {
  readonly registry: string;
  readonly transport: Transport;
  readonly onIdentityToken?: ((token: string) => void) | undefined;
  readonly refusal: Refusal;
  readonly credential: Credential | null;
  readonly secrets: ReadonlySet<string>;
  readonly signal: AbortSignal;
}

/**
 * A login that answers the challenge; null where this credential, or none, cannot answer it.
 *
 * @throws {WinchError} `REALM_REFUSED`, and those of the token endpoint.
 */
export async function answerChallenge(answer: Answer): Promise<Login | null> {
  const {access, wwwAuthenticate} = answer.refusal;
  const {credential} = answer;
  const challenges = parseChallenges(wwwAuthenticate ?? '');
  const bearer = challenges.find(({scheme}) => scheme === 'bearer');
  if (bearer) {
    const token = await obtainToken(bearer, answer);
    if (token === null) return null;
    const grants = new Set(grantsOf(access));
    return {header: `Bearer ${token}`, grants, isAnonymous: credential === null, wwwAuthenticate};
  }
  const isBasic = challenges.some(({scheme}) => scheme === 'basic');
  if (!isBasic || credential === null || !('password' in credential)) return null;
  const grants = new Set([basicGrantOf(access)]);
  return {header: basicAuthorization(credential), grants, isAnonymous: false, wwwAuthenticate};
}

async function obtainToken({parameters}: Challenge, answer: Answer): Promise<string | null> {
  const {credential, refusal, registry, transport, secrets, signal, onIdentityToken} = answer;
  if (credential && 'registryToken' in credential) return credential.registryToken;
  const granted = await fetchToken(transport, {
    registry,
    repository: refusal.access.repository ?? '',
    realm: checkRealm(parameters.get('realm'), refusal.origin),
    service: parameters.get('service'),
    scopes: mergeScopes(refusal.access, parameters.get('scope')),
    credential,
    isOffline: onIdentityToken !== undefined,
    secrets: [...secrets],
    signal,
  });
  if (granted?.refreshToken !== undefined) onIdentityToken?.(granted.refreshToken);
  return granted?.token ?? null;
}
