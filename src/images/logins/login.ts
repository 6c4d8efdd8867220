import type {CallOptions} from '../../events.ts';
import type {RegistryClient} from '../../registry/client.ts';
import type {Credential} from '../../registry/credentials.ts';
import {findLoginHelper, formatEntry, helperAddress, putEntry} from '../../registry/login-document.ts';
import type {RegistrySettings} from '../registry-settings.ts';
import {editLoginFile, readLoginDocument} from './edit-login-file.ts';
import {keyFor, type LoginFile, type LoginTarget, loginFileOf, parseLoginTarget} from './login-target.ts';

export interface LoginContext {
  readonly registry: () => Promise<RegistryClient>;
  readonly settings: RegistrySettings;
}

export interface LoginRequest {
  /** `host[:port]`, or with a path to log in for that part only; `docker.io` is Docker Hub. */
  readonly registry: string;
  readonly username: string;
  readonly password: string;
}

export interface LoginReport {
  /** As it stands in references. */
  readonly registry: string;
  readonly username: string;
  /** What is kept: registries may give a token in place of the password. */
  readonly kind: 'password' | 'identity-token';
  /** False: the registry asks for no login, so nobody has looked at the password. */
  readonly isVerified: boolean;
  /** The credential helper that keeps the secret (`docker-credential-<name>`); null: the file does, unencrypted. */
  readonly helper: string | null;
  readonly file: string;
}

/**
 * Logs in at a registry and keeps the login where docker, podman and skopeo find it as well.
 *
 * Nothing is kept before the registry has taken the credential.
 *
 * @throws {WinchError} `AUTH_DENIED`, `REFERENCE_INVALID`, `LOGIN_UNWRITABLE`, `CREDENTIAL_HELPER_FAILED`,
 *   `CREDENTIALS_INVALID`, and those of the registry client.
 */
export async function login(
  {registry, settings}: LoginContext,
  request: LoginRequest,
  {signal}: CallOptions = {},
): Promise<LoginReport> {
  const target = parseLoginTarget(request.registry);
  const file = loginFileOf(settings);
  const {username, password} = request;
  const client = await registry();
  const checked = await client.checkLogin(target.registry, {username, password}, {signal});
  const {identityToken, isVerified} = checked;
  const credential = identityToken === null ? {username, password} : {username, identityToken};
  const helper = await keep(credential, {target, file, settings, signal});
  const kind = identityToken === null ? 'password' : 'identity-token';
  return {registry: target.name, username, kind, isVerified, helper, file: file.path};
}

interface Keeping {
  readonly target: LoginTarget;
  readonly file: LoginFile;
  readonly settings: RegistrySettings;
  readonly signal: AbortSignal | undefined;
}

/** Helpers know whole registries only. */
async function keep(
  credential: Exclude<Credential, {registryToken: string}> & {readonly username: string},
  {target, file, settings, signal}: Keeping,
): Promise<string | null> {
  const key = keyFor(target, file);
  const document = await readLoginDocument(file.path, signal);
  const helper = target.path === null ? findLoginHelper(document, target.registry) : null;
  if (helper !== null) {
    const {storeInCredentialHelper} = await import('../../registry/credential-helper.ts');
    const isIdentityToken = 'identityToken' in credential;
    await storeInCredentialHelper(
      {
        name: helper.name,
        serverAddress: helperAddress(target.registry),
        environment: settings.helperEnvironment ?? {},
        signal,
      },
      {
        username: credential.username,
        secret: isIdentityToken ? credential.identityToken : credential.password,
        isIdentityToken,
      },
    );
  }
  const entry = formatEntry(helper === null ? credential : null);
  await editLoginFile(file.path, (current) => putEntry(current, {key, entry}), {signal});
  return helper === null ? null : `docker-credential-${helper.name}`;
}
