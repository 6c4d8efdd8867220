import {WinchError} from '../errors.ts';
import type {Credential} from './credentials.ts';

/** docker's `config.json` and `auth.json` of containers-auth.json(5), which have one shape; keys as they stand there. */
export interface LoginDocument {
  readonly auths: Readonly<Record<string, unknown>>;
  /** Names of credential helpers by registry. */
  readonly credHelpers: Readonly<Record<string, unknown>>;
  /** The helper for all other registries. */
  readonly credsStore: unknown;
  /** The whole document, numbers as they were written. */
  readonly members: Readonly<Record<string, unknown>>;
}

export interface LoginHelper {
  readonly name: string;
  /** Whether the document names it for this registry, or has a login of this registry in it. */
  readonly isLikely: boolean;
}

/** Docker Hub's key in config.json and for helpers, since the first version of its index. */
const DOCKER_HUB_KEY = 'https://index.docker.io/v1/';
const DOCKER_HUB_NAMES: readonly string[] = Object.freeze(['docker.io', 'index.docker.io', 'registry-1.docker.io']);

/**
 * Reads a login document; what is missing in it is empty.
 *
 * @param name Of the file, for messages, which never show any of its content.
 * @throws {WinchError} `CREDENTIALS_INVALID`
 */
export function parseLoginDocument(bytes: Uint8Array, name: string): LoginDocument {
  const members = parseJson(bytes, name);
  if (!isRecord(members)) throw credentialsInvalid(`${name} is not a JSON object`);
  const section = (key: string) => (isRecord(members[key]) ? members[key] : {});
  return {auths: section('auths'), credHelpers: section('credHelpers'), credsStore: members.credsStore, members};
}

/** The helper that keeps the logins of this registry. */
export function findLoginHelper(document: LoginDocument, registry: string): LoginHelper | null {
  const own = findKey(document.credHelpers, registry);
  const name = own === undefined ? document.credsStore : document.credHelpers[own];
  if (!isText(name)) return null;
  return {name, isLikely: own !== undefined || findKey(document.auths, registry) !== undefined};
}

/** How helpers know a registry. */
export const helperAddress = (registry: string): string =>
  DOCKER_HUB_NAMES.includes(registry) ? DOCKER_HUB_KEY : registry;

/**
 * The login for a repository: under the longest key that names it or a path above it, else under the registry's own
 * name, else under one that docker has used for the same host (with a scheme, `/v1/`, `/v2/`).
 *
 * @throws {WinchError} `CREDENTIALS_INVALID`
 */
export function findLogin(
  document: LoginDocument,
  {
    registry,
    repository,
    name,
  }: {readonly registry: string; readonly repository: string | undefined; readonly name: string},
): Credential | null {
  const key = findKey(document.auths, registry, repository);
  return key === undefined ? null : parseEntry(document.auths[key], `${name}: the entry for ${registry}`);
}

/** The registry, as it stands in references, that a key is about; paths are kept. */
export function targetOfKey(key: string): string {
  const [host = '', ...path] = hostOf(key).split('/');
  return [DOCKER_HUB_NAMES.includes(host) ? 'docker.io' : host, ...path].join('/');
}

/** An entry of `auths`; `{}` says that a helper keeps the login. */
export function formatEntry(credential: Credential | null): Readonly<Record<string, string>> {
  if (credential === null) return {};
  if ('registryToken' in credential) return {registrytoken: credential.registryToken};
  const password = 'password' in credential ? credential.password : '';
  const auth = credential.username === undefined ? {} : {auth: encodePair(credential.username, password)};
  return 'identityToken' in credential ? {...auth, identitytoken: credential.identityToken} : auth;
}

/** The document with this entry in place of all that stand for the same target (a registry, or a path in it). */
export function putEntry(
  {members, auths}: LoginDocument,
  {key, entry}: {readonly key: string; readonly entry: Readonly<Record<string, string>>},
): Uint8Array {
  const others = Object.entries(auths).filter(([other]) => other === key || targetOfKey(other) !== targetOfKey(key));
  return formatDocument({...members, auths: {...Object.fromEntries(others), [key]: entry}});
}

/** The document without the entries of these targets; null when it had none. */
export function removeEntries({members, auths}: LoginDocument, targets: readonly string[]): Uint8Array | null {
  const entries = Object.entries(auths);
  const kept = entries.filter(([key]) => !targets.includes(targetOfKey(key)));
  return kept.length === entries.length ? null : formatDocument({...members, auths: Object.fromEntries(kept)});
}

/** With tabs, as docker and podman write it. */
const formatDocument = (members: Readonly<Record<string, unknown>>): Uint8Array =>
  Buffer.from(`${JSON.stringify(members, null, '\t')}\n`);

function parseJson(bytes: Uint8Array, name: string): unknown {
  try {
    // Numbers beyond 2^53 are kept as they were written.
    const keepNumbers = (_key: string, value: unknown, context?: {readonly source?: string}) =>
      typeof value === 'number' && context?.source !== undefined ? rawJson(context.source) : value;
    return JSON.parse(Buffer.from(bytes).toString().trim() || '{}', keepNumbers);
  } catch (error) {
    // The parser's message quotes the text, which may be a password.
    if (error instanceof SyntaxError) throw credentialsInvalid(`${name} is not valid JSON`);
    throw error;
  }
}

const rawJson = (source: string): unknown =>
  (JSON as unknown as {readonly rawJSON: (text: string) => unknown}).rawJSON(source);

function findKey(
  section: Readonly<Record<string, unknown>>,
  registry: string,
  repository?: string,
): string | undefined {
  const names = namesOf(registry);
  const keys = Object.keys(section);
  const path = repository?.split('/') ?? [];
  for (let parts = path.length; parts > 0; parts--) {
    const suffix = path.slice(0, parts).join('/');
    const key = keys.find((candidate) => names.some((name) => candidate === `${name}/${suffix}`));
    if (key !== undefined) return key;
  }
  return keys.find((key) => names.includes(key)) ?? keys.find((key) => names.includes(hostOf(key)));
}

const namesOf = (registry: string): readonly string[] =>
  DOCKER_HUB_NAMES.includes(registry) ? DOCKER_HUB_NAMES : [registry];

const hostOf = (key: string): string => key.replace(/^https?:\/\//, '').replace(/\/(v[12]\/?)?$/, '');

function parseEntry(entry: unknown, where: string): Credential | null {
  if (!isRecord(entry)) throw credentialsInvalid(`${where} is no object`);
  if (isText(entry.registrytoken)) return {registryToken: entry.registrytoken};
  const pair = isText(entry.auth)
    ? decodePair(entry.auth, where)
    : {username: textOf(entry.username), password: textOf(entry.password)};
  if (isText(entry.identitytoken)) {
    return {identityToken: entry.identitytoken, ...(pair.username !== '' && {username: pair.username})};
  }
  return pair.username === '' && pair.password === '' ? null : pair;
}

const encodePair = (username: string, password: string): string =>
  Buffer.from(`${username}:${password}`).toString('base64');

function decodePair(auth: string, where: string): {username: string; password: string} {
  const pair = Buffer.from(auth, 'base64').toString();
  const colon = pair.indexOf(':');
  if (colon < 1 || !/^[A-Za-z0-9+/_-]+={0,2}$/.test(auth.trim())) {
    throw credentialsInvalid(`${where} has an "auth" that is not base64 of user:password`);
  }
  // docker pads passwords with NUL bytes in old files.
  return {username: pair.slice(0, colon), password: pair.slice(colon + 1).replace(/\0+$/, '')};
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

function credentialsInvalid(message: string): WinchError {
  return new WinchError('CREDENTIALS_INVALID', message, {
    kind: 'unauthorized',
    hint: 'repair the file, or take the entry out and log in again',
  });
}
