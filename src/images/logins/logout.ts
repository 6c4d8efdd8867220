import type {CallOptions} from '../../events.ts';
import type {CredentialDescription} from '../../registry/credentials.ts';
import {
  findLoginHelper,
  helperAddress,
  type LoginDocument,
  removeEntries,
  targetOfKey,
} from '../../registry/login-document.ts';
import type {RegistrySettings} from '../registry-settings.ts';
import {editLoginFile, readLoginDocument} from './edit-login-file.ts';
import {loginFileOf, parseLoginTarget} from './login-target.ts';
import {openCredentialsOf} from './open-credentials.ts';

export interface LogoutReport {
  /** As it stands in references, with a path where the login was for a part only. */
  readonly registry: string;
  /** Whether there was a login to remove. */
  readonly wasLoggedIn: boolean;
  /** A login that another file or variable still holds; those are not winch's to change. */
  readonly remaining: CredentialDescription | null;
}

/**
 * Forgets the login at a registry: its entry in the login file, and what the helper named there keeps.
 *
 * @throws {WinchError} `REFERENCE_INVALID`, `LOGIN_UNWRITABLE`, `CREDENTIAL_HELPER_FAILED`, `CREDENTIALS_INVALID`
 */
export async function logout(
  settings: RegistrySettings,
  registry: string,
  options: CallOptions = {},
): Promise<LogoutReport> {
  const {name} = parseLoginTarget(registry);
  const [report] = await forget(settings, [name], options);
  return report ?? {registry: name, wasLoggedIn: false, remaining: null};
}

/** As {@link logout}, for every login that the file or its helpers know. */
export async function logoutEverywhere(
  settings: RegistrySettings,
  options: CallOptions = {},
): Promise<readonly LogoutReport[]> {
  const document = await readLoginDocument(loginFileOf(settings).path, options.signal);
  const inHelper = await listAll(document, settings, options.signal);
  const keys = [...Object.keys(document.auths), ...Object.keys(document.credHelpers), ...inHelper];
  const reports = await forget(settings, [...new Set(keys.map(targetOfKey))].toSorted(), options);
  return reports.filter(({wasLoggedIn}) => wasLoggedIn);
}

/**
 * Who is logged in at a registry, and where that is kept; null: nobody.
 *
 * @throws {WinchError} `REFERENCE_INVALID`, `CREDENTIALS_INVALID`, `CREDENTIAL_HELPER_FAILED`
 */
export async function getLogin(
  settings: RegistrySettings,
  registry: string,
  {signal}: CallOptions = {},
): Promise<CredentialDescription | null> {
  const target = parseLoginTarget(registry);
  return openCredentialsOf(settings).describe(target.registry, {repository: target.path ?? undefined, signal});
}

async function listAll(
  {credsStore}: LoginDocument,
  {helperEnvironment: environment = {}}: RegistrySettings,
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  if (typeof credsStore !== 'string' || credsStore === '') return [];
  const {listCredentialHelper} = await import('../../registry/credential-helper.ts');
  return listCredentialHelper({name: credsStore, environment, signal});
}

async function forget(
  settings: RegistrySettings,
  names: readonly string[],
  {signal}: CallOptions,
): Promise<readonly LogoutReport[]> {
  const {path} = loginFileOf(settings);
  const document = await readLoginDocument(path, signal);
  const inFile = new Set(Object.keys(document.auths).map(targetOfKey));
  const inHelper = new Set<string>();
  for (const name of names) {
    if (await eraseFromHelper(document, {name, settings, signal})) inHelper.add(name);
  }
  if (names.some((name) => inFile.has(name))) {
    await editLoginFile(path, (current) => removeEntries(current, names), {signal});
  }
  const remaining = names.map((name) => getLogin(settings, name, {signal}));
  const found = await Promise.all(remaining);
  return names.map((name, index) => ({
    registry: name,
    wasLoggedIn: inFile.has(name) || inHelper.has(name),
    remaining: found[index] ?? null,
  }));
}

interface Erasure {
  readonly name: string;
  readonly settings: RegistrySettings;
  readonly signal: AbortSignal | undefined;
}

/** Whether the helper held a login; it knows whole registries only. */
async function eraseFromHelper(document: LoginDocument, {name, settings, signal}: Erasure): Promise<boolean> {
  const helper = name.includes('/') ? null : findLoginHelper(document, name);
  if (helper === null) return false;
  const {askCredentialHelper, eraseFromCredentialHelper} = await import('../../registry/credential-helper.ts');
  const environment = settings.helperEnvironment ?? {};
  const request = {name: helper.name, serverAddress: helperAddress(name), environment, signal};
  if ((await askCredentialHelper(request)) === null) return false;
  await eraseFromCredentialHelper(request);
  return true;
}
