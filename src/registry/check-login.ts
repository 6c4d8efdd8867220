import {isWinchError, WinchError} from '../errors.ts';
import type {Credential, CredentialSource} from './credentials.ts';
import {responseError} from './response-errors.ts';
import type {RegistrySession} from './session.ts';

export interface LoginCheck {
  readonly registry: string;
  readonly credential: Credential;
  readonly signal?: AbortSignal | undefined;
}

/** What a registry says to a credential that it takes. */
export interface CheckedLogin {
  /** False: it asks for no login, so the credential was not sent. */
  readonly isVerified: boolean;
  /** What its token server gave to be kept in place of the password; null where it does not do that. */
  readonly identityToken: string | null;
}

/** What a session needs for one check. */
export interface LoginCheckSession {
  readonly credentials: CredentialSource;
  readonly onIdentityToken: (token: string) => void;
}

/**
 * Asks a registry (`GET /v2/`) whether it takes a credential.
 *
 * @throws {WinchError} `AUTH_DENIED`; `REGISTRY_ERROR`: it answers otherwise.
 * @see distribution-spec v1.1.1 spec.md#determining-support
 */
export async function checkLogin(
  openSession: (parts: LoginCheckSession) => RegistrySession,
  {registry, credential, signal}: LoginCheck,
): Promise<CheckedLogin> {
  let isVerified = false;
  let identityToken: string | null = null;
  const session = openSession({
    credentials: async () => {
      isVerified = true;
      return credential;
    },
    onIdentityToken: (token) => {
      identityToken = token;
    },
  });
  const request = {path: '/v2/', repository: null, actions: [], signal};
  const response = await session.request(request).catch((error: unknown) => {
    throw isWinchError(error, 'AUTH_DENIED') ? loginDenied(registry) : error;
  });
  if (response.status === 403) {
    await response.discard();
    throw loginDenied(registry);
  }
  if (response.status !== 200) {
    const subject = {registry, repository: '', wanted: 'its API (/v2/)', secrets: session.secrets()};
    throw await responseError(response, subject);
  }
  await response.discard();
  return {isVerified, identityToken};
}

function loginDenied(registry: string): WinchError {
  return new WinchError('AUTH_DENIED', `${registry} refuses this login`, {
    kind: 'denied',
    hint: 'check the user name and the password; some registries want an access token in its place',
    details: {registry},
  });
}
