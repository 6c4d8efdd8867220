import type {CallOptions} from '../../events.ts';
import type {CheckedLogin} from '../../registry/check-login.ts';
import type {RegistryClient} from '../../registry/client.ts';
import type {Credential} from '../../registry/credentials.ts';
import {parseLoginTarget} from './login-target.ts';

export interface LoginToCheck {
  /** As `LoginRequest` has it. */
  readonly registry: string;
  readonly credential: Credential;
}

/**
 * Asks a registry whether it takes a credential, and keeps nothing.
 *
 * @throws {WinchError} `AUTH_DENIED`, `REFERENCE_INVALID`, and those of the registry client.
 */
export async function checkLoginAt(
  {registry}: {readonly registry: () => Promise<RegistryClient>},
  {registry: text, credential}: LoginToCheck,
  options: CallOptions = {},
): Promise<CheckedLogin> {
  const target = parseLoginTarget(text);
  const client = await registry();
  return client.checkLogin(target.registry, credential, options);
}
