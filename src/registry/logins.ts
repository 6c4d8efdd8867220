import type {Login, Refusal} from './answer-challenge.ts';
import type {Credential, CredentialSource} from './credentials.ts';
import {type Access, basicGrantOf, grantsOf} from './scopes.ts';
import {openSharedWork} from './shared-work.ts';
import type {Transport} from './transport.ts';

export interface LoginsOptions {
  readonly registry: string;
  readonly credentials: CredentialSource;
  readonly transport: Transport;
  readonly onIdentityToken?: ((token: string) => void) | undefined;
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
    return held.find(({grants}) => grants.has(basicGrantOf(access)) || isCovered(wanted, grants));
  };
  const obtain = async (refusal: Refusal, signal: AbortSignal): Promise<Login | null> => {
    const {access} = refusal;
    // Imported on demand: a registry that asks for nothing, or a pull of what is there, needs none of it.
    const {answerChallenge} = await import('./answer-challenge.ts');
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
      const key = JSON.stringify([
        basicGrantOf(refusal.access),
        ...grantsOf(refusal.access),
        refusal.isAnonymousRefused,
      ]);
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
      const known = found.get(basicGrantOf(access));
      if (known && (known.credential !== null || known.isThorough || !isThorough)) return known.credential;
      const repository = access.repository ?? undefined;
      const credential = await credentials(registry, {repository, isThorough, signal});
      found.set(basicGrantOf(access), {credential, isThorough});
      for (const secret of secretsOf(credential)) secrets.add(secret);
      return credential;
    },
    get: (access) => found.get(basicGrantOf(access))?.credential ?? null,
  };
}

const isCovered = (wanted: readonly string[], grants: ReadonlySet<string>): boolean =>
  wanted.every((grant) => grants.has(grant));

function secretsOf(credential: Credential | null): readonly string[] {
  const {username: _, ...secrets} = {username: '', ...credential};
  return Object.values(secrets);
}
