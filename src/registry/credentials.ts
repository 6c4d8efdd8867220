import type {LoginDocument} from './login-document.ts';

/** What proves who the user is; a registry token is sent as it is, an identity token is exchanged for one. */
export type Credential =
  | {readonly username: string; readonly password: string}
  | {readonly identityToken: string; readonly username?: string}
  | {readonly registryToken: string};

export interface CredentialOptions {
  /** What is to be read or written: logins may be for a part of a registry. Absent: the registry as a whole. */
  readonly repository?: string | undefined;
  /** Default true. False leaves out what is slow and unlikely: helpers for any registry that hold no known login for this one. */
  readonly isThorough?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Finds the credential for a registry as it stands in references (`docker.io`, `host:port`); null: none. */
export type CredentialSource = (registry: string, options?: CredentialOptions) => Promise<Credential | null>;

/** A credential that the caller gives; it goes to the registries it names, and nowhere else. */
export interface GivenCredential {
  /** As they stand in references. */
  readonly registries: readonly string[];
  readonly credential: Credential;
}

/** A login document and where it is. */
export interface LoginPlace {
  /** The path of a file, or `$NAME` of a variable. */
  readonly name: string;
  /** Null when it does not exist. */
  readonly read: (signal?: AbortSignal) => Promise<Uint8Array | null>;
}

export interface CredentialsOptions {
  readonly given?: GivenCredential | undefined;
  /** The first that holds a login counts. */
  readonly places: readonly LoginPlace[];
  /** Asks the program `docker-credential-<name>`; see `askCredentialHelper`. */
  readonly askHelper: (
    name: string,
    serverAddress: string,
    options: {readonly signal?: AbortSignal | undefined},
  ) => Promise<Credential | null>;
  /** Told what `find` finds. */
  readonly onFound?: ((registry: string, found: FoundCredential) => void) | undefined;
}

/** A credential without its secret. */
export interface CredentialDescription {
  /** `the command line`, a path, or `docker-credential-<name> (<path>)`. */
  readonly source: string;
  readonly username: string | null;
  readonly kind: 'password' | 'identity-token' | 'registry-token';
}

export interface Credentials {
  readonly find: CredentialSource;
  /** What `find` would answer, and from where. */
  describe(registry: string, options?: CredentialOptions): Promise<CredentialDescription | null>;
}

/** A credential, and what `CredentialDescription` has for its source. */
export interface FoundCredential {
  readonly source: string;
  readonly credential: Credential;
}

/**
 * Credentials as docker, podman and skopeo leave them. In each place: the helper of this registry (`credHelpers`), the
 * helper for all (`credsStore`), then `auths`. Read anew at each call; nothing is kept.
 *
 * Both calls throw `CREDENTIALS_INVALID` when a place is malformed (never with its content), and what `askHelper` throws.
 *
 * @see containers-auth.json(5)
 */
export function openCredentials(options: CredentialsOptions): Credentials {
  return {
    find: async (registry, wanted = {}) => {
      const found = await findCredential(options, registry, wanted);
      if (found !== null) options.onFound?.(registry, found);
      return found?.credential ?? null;
    },
    describe: async (registry, wanted = {}) => {
      const found = await findCredential(options, registry, wanted);
      return found === null ? null : {source: found.source, ...describeCredential(found.credential)};
    },
  };
}

/** Whose credential it is and of which kind; never the secret. */
export function describeCredential(credential: Credential): Omit<CredentialDescription, 'source'> {
  if ('registryToken' in credential) return {username: null, kind: 'registry-token'};
  const kind = 'identityToken' in credential ? 'identity-token' : 'password';
  return {username: credential.username ?? null, kind};
}

async function findCredential(
  {given, places, askHelper}: CredentialsOptions,
  registry: string,
  wanted: CredentialOptions,
): Promise<FoundCredential | null> {
  wanted.signal?.throwIfAborted();
  if (given?.registries.includes(registry)) return {source: 'the command line', credential: given.credential};
  for (const place of places) {
    const bytes = await place.read(wanted.signal);
    if (bytes === null) continue;
    // Imported on demand: most machines have no login at all.
    const {parseLoginDocument} = await import('./login-document.ts');
    const document = parseLoginDocument(bytes, place.name);
    const found = await searchDocument(document, {...wanted, registry, name: place.name, askHelper});
    if (found !== null) return found;
  }
  return null;
}

interface Search extends CredentialOptions, Pick<CredentialsOptions, 'askHelper'> {
  readonly registry: string;
  readonly name: string;
}

async function searchDocument(document: LoginDocument, search: Search): Promise<FoundCredential | null> {
  const {registry, repository, isThorough = true, name, askHelper, signal} = search;
  const {findLogin, findLoginHelper, helperAddress} = await import('./login-document.ts');
  const helper = findLoginHelper(document, registry);
  if (helper !== null && (isThorough || helper.isLikely)) {
    const credential = await askHelper(helper.name, helperAddress(registry), {signal});
    if (credential !== null) return {source: `docker-credential-${helper.name} (${name})`, credential};
  }
  const credential = findLogin(document, {registry, repository, name});
  return credential === null ? null : {source: name, credential};
}
