import {WinchError} from '../errors.ts';
import type {Credential} from './credentials.ts';
import {readLimited} from './response-body.ts';
import {responseError} from './response-errors.ts';
import {repeatCut} from './retries.ts';
import type {Transport, TransportRequest, TransportResponse} from './transport.ts';

const TOKEN_BODY_LIMIT_BYTES = 1_048_576;
const CLIENT_ID = 'winch';

export interface TokenRequest {
  readonly registry: string;
  readonly repository: string;
  /** The token endpoint, checked. */
  readonly realm: URL;
  readonly service: string | undefined;
  readonly scopes: readonly string[];
  /** Null asks for an anonymous token. */
  readonly credential: Exclude<Credential, {registryToken: string}> | null;
  /** Whether to ask for an identity token as well, which stands for the password from then on. */
  readonly isOffline?: boolean;
  readonly secrets: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

export interface GrantedToken {
  readonly token: string;
  readonly refreshToken?: string;
}

/**
 * Asks the token endpoint for a bearer token: GET with Basic (or nothing), POST for an identity token. Redirects are
 * not followed. How long the token says to live is not looked at: a 401 tells when it is over.
 *
 * @returns null when the endpoint refuses these credentials, or none.
 * @throws {WinchError} `TOKEN_INVALID`: the reply holds no token that can be sent; `RATE_LIMITED`, `REGISTRY_ERROR`.
 * @see distribution docs/content/spec/auth/token.md, oauth.md
 */
export const fetchToken = (transport: Transport, request: TokenRequest): Promise<GrantedToken | null> =>
  repeatCut(() => fetchOnce(transport, request), {signal: request.signal});

async function fetchOnce(transport: Transport, request: TokenRequest): Promise<GrantedToken | null> {
  const response = await transport.send(tokenRequest(request));
  if (response.status === 200) return parseToken(await readToken(response, request), request);
  if (response.status === 401 || response.status === 403) {
    await response.discard();
    return null;
  }
  if (response.status >= 300 && response.status < 400) {
    await response.discard();
    throw tokenInvalid(request, 'redirects elsewhere');
  }
  throw await responseError(response, {...request, wanted: `a token at ${request.realm.host}`});
}

/** The value of a Basic `Authorization` header. */
export const basicAuthorization = ({
  username,
  password,
}: {
  readonly username: string;
  readonly password: string;
}): string => `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

function tokenRequest({realm, service, scopes, credential, isOffline, signal}: TokenRequest): TransportRequest {
  const isExchange = credential !== null && 'identityToken' in credential;
  // One parameter for all in a form, one for each in a query: oauth.md and token.md of the same specification.
  const values = isExchange && scopes.length > 0 ? [scopes.join(' ')] : scopes;
  const parameters = new URLSearchParams(values.map((scope) => ['scope', scope]));
  if (service !== undefined) parameters.set('service', service);
  if (isExchange || isOffline) parameters.set('client_id', CLIENT_ID);
  if (isExchange) {
    parameters.set('grant_type', 'refresh_token');
    parameters.set('refresh_token', credential.identityToken);
    return {url: realm, method: 'POST', form: parameters, signal};
  }
  if (isOffline) parameters.set('offline_token', 'true');
  const url = new URL(realm);
  for (const [name, value] of parameters) url.searchParams.append(name, value);
  return {url, signal, ...(credential !== null && {headers: {authorization: basicAuthorization(credential)}})};
}

async function readToken(response: TransportResponse, request: TokenRequest): Promise<unknown> {
  if (response.headers['content-encoding'] !== undefined) {
    response.close();
    throw tokenInvalid(request, 'answers with an encoded body');
  }
  const tooLarge = () => tokenInvalid(request, 'answers with more than 1 MiB');
  const bytes = await readLimited(response, {limitBytes: TOKEN_BODY_LIMIT_BYTES, tooLarge});
  try {
    return JSON.parse(bytes.toString());
  } catch (error) {
    if (error instanceof SyntaxError) throw tokenInvalid(request, 'answers with no JSON');
    throw error;
  }
}

function parseToken(body: unknown, request: TokenRequest): GrantedToken {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw tokenInvalid(request, 'answers with no JSON object');
  }
  const {token, access_token: accessToken, refresh_token: refreshToken} = body as Readonly<Record<string, unknown>>;
  const found = [token, accessToken].find(isText);
  if (found === undefined) throw tokenInvalid(request, 'answers without a token');
  if (!/^[\x21-\x7e]+$/.test(found)) throw tokenInvalid(request, 'answers with a token that no header can hold');
  return {token: found, ...(isText(refreshToken) && {refreshToken})};
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

function tokenInvalid({registry, realm}: TokenRequest, fault: string): WinchError {
  return new WinchError('TOKEN_INVALID', `the token server ${realm.host} of ${registry} ${fault}`, {
    kind: 'unavailable',
    hint: 'the registry has a problem: try again later',
    details: {host: realm.host},
  });
}
