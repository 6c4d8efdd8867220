import {type Challenge, parseChallenges} from './challenge.ts';
import type {Credential, CredentialSource} from './credentials.ts';
import {checkRealm} from './realm.ts';
import {type Access, grantsOf, mergeScopes} from './scopes.ts';
import {openSharedWork} from './shared-work.ts';
import type {Transport} from './transport.ts';

export interface LoginsOptions {
  readonly registry: string;
  readonly credentials: CredentialSource;
  readonly transport: Transport;
  readonly onIdentityToken?: ((token: string) => void) | undefined;
}

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

/** The credentials and tokens of one registry. */
export interface Logins {
  /** What an earlier request was given that serves this one as well. */
  find(access: Access): Login | undefined;
  /** A login after a refusal; null when there is none to be had. */
  renew(refusal: Refusal): Promise<Login | null>;
  /** Asks every source for a credential. */
  lookUp(access: Access, signal: AbortSignal | undefined): Promise<Credential | null>;
  /** The credential that was last used for this. */
  credential(access: Access): Credential | null;
  secrets(): readonly string[];
}

/** Opens the logins of one registry; nothing is looked up before `renew`. */
export function openLogins(options: LoginsOptions): Logins {
  let held: readonly Login[] = [];
  const secrets = new Set<string>();
  const known = openKnownCredentials(options, secrets);
  const shared = openSharedWork<Login | null>();
  const find = (access: Access): Login | undefined => {
    const wanted = grantsOf(access);
    return held.find(({grants}) => grants.has(keyOf(access)) || isCovered(wanted, grants));
  };
  const obtain = async (refusal: Refusal, signal: AbortSignal): Promise<Login | null> => {
    const {access} = refusal;
    const answer = (credential: Credential | null) =>
      answerChallenge({...options, refusal, credential, secrets, signal});
    if (!refusal.isAnonymousRefused) {
      const likely = await known.lookUp(access, {isThorough: false, signal});
      const login = await answer(likely);
      if (login !== null || likely !== null) return login;
    }
    const credential = await known.lookUp(access, {isThorough: true, signal});
    return credential === null ? null : await answer(credential);
  };
  return {
    find,
    renew: async (refusal) => {
      const newer = find(refusal.access);
      // Somebody else was refused with the same header and has got a new one since.
      if (newer && newer !== refusal.refused && !refusal.isAnonymousRefused) return newer;
      const key = JSON.stringify([keyOf(refusal.access), ...grantsOf(refusal.access), refusal.isAnonymousRefused]);
      const login = await shared.run(key, refusal.signal, (signal) => obtain(refusal, signal));
      if (login === null || held.includes(login)) return login;
      secrets.add(login.header.slice(login.header.indexOf(' ') + 1));
      held = [login, ...held.filter(({grants}) => !isCovered([...grants], login.grants))];
      return login;
    },
    lookUp: (access, signal) => known.lookUp(access, {isThorough: true, signal}),
    credential: known.get,
    secrets: () => [...secrets],
  };
}

interface KnownCredentials {
  lookUp(
    access: Access,
    options: {readonly isThorough: boolean; readonly signal: AbortSignal | undefined},
  ): Promise<Credential | null>;
  get(access: Access): Credential | null;
}

/** Each source is asked once for a repository; what it held goes to `secrets`. */
function openKnownCredentials({registry, credentials}: LoginsOptions, secrets: Set<string>): KnownCredentials {
  const found = new Map<string, {readonly credential: Credential | null; readonly isThorough: boolean}>();
  return {
    lookUp: async (access, {isThorough, signal}) => {
      const known = found.get(keyOf(access));
      if (known && (known.credential !== null || known.isThorough || !isThorough)) return known.credential;
      const repository = access.repository ?? undefined;
      const credential = await credentials(registry, {repository, isThorough, signal});
      found.set(keyOf(access), {credential, isThorough});
      for (const secret of secretsOf(credential)) secrets.add(secret);
      return credential;
    },
    get: (access) => found.get(keyOf(access))?.credential ?? null,
  };
}

const isCovered = (wanted: readonly string[], grants: ReadonlySet<string>): boolean =>
  wanted.every((grant) => grants.has(grant));

/** No grant: it has no colon. */
const keyOf = ({repository}: Access): string => repository ?? '';

function secretsOf(credential: Credential | null): readonly string[] {
  const {username: _, ...secrets} = {username: '', ...credential};
  return Object.values(secrets);
}

interface Answer extends LoginsOptions {
  readonly refusal: Refusal;
  readonly credential: Credential | null;
  readonly secrets: ReadonlySet<string>;
  readonly signal: AbortSignal;
}

/** Null: the challenge is one that this credential, or none, cannot answer. */
async function answerChallenge(answer: Answer): Promise<Login | null> {
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
  const {basicAuthorization} = await import('./token.ts');
  const grants = new Set([keyOf(access)]);
  return {header: basicAuthorization(credential), grants, isAnonymous: false, wwwAuthenticate};
}

// Imported on demand: most pulls of a warm store ask no token endpoint.
async function obtainToken({parameters}: Challenge, answer: Answer): Promise<string | null> {
  const {credential, refusal, registry, transport, secrets, signal, onIdentityToken} = answer;
  if (credential && 'registryToken' in credential) return credential.registryToken;
  const {fetchToken} = await import('./token.ts');
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
