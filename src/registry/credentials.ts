import is from '@sindresorhus/is';
import {WinchError} from '../errors.ts';

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

export interface DockerCredentialOptions {
  /** The bytes of docker's `config.json`; null when there is no such file. */
  readonly readConfig: () => Promise<Uint8Array | null>;
  /** Asks the program `docker-credential-<name>`; see `runCredentialHelper`. */
  readonly runHelper: (
    name: string,
    serverAddress: string,
    options: {readonly signal?: AbortSignal | undefined},
  ) => Promise<Credential | null>;
}

interface DockerConfig {
  readonly auths: Readonly<Record<string, unknown>>;
  readonly credHelpers: Readonly<Record<string, unknown>>;
  readonly credsStore: unknown;
}

/** Docker Hub's key in config.json and for helpers, since the first version of its index. */
const DOCKER_HUB_KEY = 'https://index.docker.io/v1/';
const DOCKER_HUB_NAMES: readonly string[] = Object.freeze(['docker.io', 'index.docker.io', 'registry-1.docker.io']);

/**
 * Credentials as `docker login` leaves them: a helper of this registry (`credHelpers`), the helper for all
 * (`credsStore`), then `auths`. Keys may carry a scheme and `/v1/` or `/v2/`. Read anew at each call; nothing is kept.
 *
 * @throws {WinchError} `CREDENTIALS_INVALID` when the file or the entry is malformed (never with its content), and what
 *   `runHelper` throws.
 */
export function openDockerCredentials({readConfig, runHelper}: DockerCredentialOptions): CredentialSource {
  return async (registry, {signal} = {}) => {
    signal?.throwIfAborted();
    const bytes = await readConfig();
    if (bytes === null) return null;
    const config = parseDockerConfig(bytes);
    const helper = findEntry(config.credHelpers, registry) ?? config.credsStore;
    if (is.nonEmptyString(helper)) {
      const address = DOCKER_HUB_NAMES.includes(registry) ? DOCKER_HUB_KEY : registry;
      const found = await runHelper(helper, address, {signal});
      if (found !== null) return found;
    }
    const entry = findEntry(config.auths, registry);
    return entry === undefined ? null : parseAuthEntry(entry, registry);
  };
}

function parseDockerConfig(bytes: Uint8Array): DockerConfig {
  const document = parseJson(bytes);
  if (!is.plainObject(document)) throw credentialsInvalid('docker config.json is not a JSON object');
  const section = (name: string) => (is.plainObject(document[name]) ? document[name] : {});
  return {auths: section('auths'), credHelpers: section('credHelpers'), credsStore: document.credsStore};
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch (error) {
    // The parser's message quotes the text, which may be a password.
    if (error instanceof SyntaxError) throw credentialsInvalid('docker config.json is not valid JSON');
    throw error;
  }
}

/** The entry under the registry's own key, else under one that names the same host. */
function findEntry(section: Readonly<Record<string, unknown>>, registry: string): unknown {
  const names = DOCKER_HUB_NAMES.includes(registry) ? DOCKER_HUB_NAMES : [registry];
  const keys = Object.keys(section);
  const key =
    keys.find((candidate) => names.includes(candidate)) ?? keys.find((candidate) => names.includes(hostOf(candidate)));
  return key === undefined ? undefined : section[key];
}

const hostOf = (key: string): string => key.replace(/^https?:\/\//, '').replace(/\/(v[12]\/?)?$/, '');

function parseAuthEntry(entry: unknown, registry: string): Credential | null {
  if (!is.plainObject(entry)) throw credentialsInvalid(`docker config.json: the entry for ${registry} is no object`);
  if (is.nonEmptyString(entry.registrytoken)) return {registryToken: entry.registrytoken};
  const pair = is.nonEmptyString(entry.auth)
    ? decodePair(entry.auth, registry)
    : {username: textOf(entry.username), password: textOf(entry.password)};
  if (is.nonEmptyString(entry.identitytoken)) {
    return {identityToken: entry.identitytoken, ...(pair.username !== '' && {username: pair.username})};
  }
  return pair.username === '' && pair.password === '' ? null : pair;
}

const textOf = (value: unknown): string => (is.string(value) ? value : '');

function decodePair(auth: string, registry: string): {username: string; password: string} {
  const pair = Buffer.from(auth, 'base64').toString();
  const colon = pair.indexOf(':');
  if (colon < 1 || !/^[A-Za-z0-9+/_-]+={0,2}$/.test(auth.trim())) {
    throw credentialsInvalid(`docker config.json: "auth" of ${registry} is not base64 of user:password`);
  }
  // docker pads passwords with NUL bytes in old files.
  return {username: pair.slice(0, colon), password: pair.slice(colon + 1).replace(/\0+$/, '')};
}

function credentialsInvalid(message: string): WinchError {
  return new WinchError('CREDENTIALS_INVALID', message, {
    kind: 'unauthorized',
    hint: 'repair the file, or log in again with docker login',
  });
}
