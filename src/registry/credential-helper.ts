import {spawn} from 'node:child_process';
import {isPlainObject, isString} from '@sindresorhus/is';
import {hasErrno, WinchError} from '../errors.ts';
import type {Credential} from './credentials.ts';

const TIMEOUT_MS = 30_000;
const OUTPUT_LIMIT_BYTES = 1_048_576;
const NAME_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
/** What helpers print, with exit code 1, when they hold nothing for the server. */
const NOT_FOUND_TEXT = 'credentials not found in native keychain';
/** The user name that marks a secret as an identity token. */
const TOKEN_USERNAME = '<token>';

export interface CredentialHelperRequest {
  /** The program is `docker-credential-<name>`, found in `PATH` of `environment`. */
  readonly name: string;
  readonly serverAddress: string;
  /** All that the program gets to see of the environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

interface HelperExit {
  readonly code: number | null;
  readonly output: string;
}

/**
 * Asks a docker credential helper for a login (`get`); null when it holds nothing for the server.
 *
 * For all calls here: address and secret go in by standard input, never as an argument; what the program prints reaches
 * no message, and its standard error is thrown away. It and its children are killed after 30 s or 1 MiB of output.
 *
 * @throws {WinchError} `CREDENTIAL_HELPER_FAILED`
 * @see docker/docker-credential-helpers README.md#development
 */
export async function askCredentialHelper(request: CredentialHelperRequest): Promise<Credential | null> {
  const {code, output} = await runHelper(request, 'get', `${request.serverAddress}\n`);
  if (code !== 0 && output.trim() === NOT_FOUND_TEXT) return null;
  refuseFailure(request, code);
  return parseAnswer(output, request);
}

/** Hands a login over for safe keeping (`store`). */
export async function storeInCredentialHelper(
  request: CredentialHelperRequest,
  login: {readonly username: string; readonly secret: string; readonly isIdentityToken: boolean},
): Promise<void> {
  const Username = login.isIdentityToken ? TOKEN_USERNAME : login.username;
  const document = {ServerURL: request.serverAddress, Username, Secret: login.secret};
  const {code} = await runHelper(request, 'store', JSON.stringify(document));
  refuseFailure(request, code);
}

/** Makes the helper forget a server (`erase`); that it knew of none is no failure. */
export async function eraseFromCredentialHelper(request: CredentialHelperRequest): Promise<void> {
  const {code, output} = await runHelper(request, 'erase', `${request.serverAddress}\n`);
  if (code !== 0 && output.trim() === NOT_FOUND_TEXT) return;
  refuseFailure(request, code);
}

/** The addresses that a helper holds logins of (`list`). */
export async function listCredentialHelper(
  request: Omit<CredentialHelperRequest, 'serverAddress'>,
): Promise<readonly string[]> {
  const whole = {...request, serverAddress: 'all registries'};
  const {code, output} = await runHelper(whole, 'list', '');
  refuseFailure(whole, code);
  const answer = parseJson(output, whole);
  if (!isPlainObject(answer)) throw helperFailed(whole, 'did not answer with an object');
  return Object.keys(answer);
}

function refuseFailure(request: CredentialHelperRequest, code: number | null): void {
  if (code !== 0) throw helperFailed(request, code === null ? 'was killed' : `failed with exit code ${code}`);
}

async function runHelper(request: CredentialHelperRequest, action: string, input: string): Promise<HelperExit> {
  request.signal?.throwIfAborted();
  if (!NAME_PATTERN.test(request.name)) throw helperFailed(request, 'has a name that no program has');
  return new Promise((resolve, reject) => {
    const child = spawn(`docker-credential-${request.name}`, [action], {
      env: request.environment,
      stdio: ['pipe', 'pipe', 'ignore'],
      // A group of its own, so that what a helper script started dies with it.
      detached: true,
    });
    const stop = (error: unknown) => {
      if (child.pid !== undefined) killGroup(child.pid);
      reject(error);
    };
    const onAbort = () => stop(request.signal?.reason);
    const timeoutMs = request.timeoutMs ?? TIMEOUT_MS;
    const timer = setTimeout(() => stop(helperFailed(request, `gave no answer in ${timeoutMs / 1000} s`)), timeoutMs);
    request.signal?.addEventListener('abort', onAbort);
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (output.length > OUTPUT_LIMIT_BYTES) stop(helperFailed(request, 'printed more than 1 MiB'));
    });
    child.on('error', (error) => reject(notStarted(request, error)));
    child.on('close', (code) => resolve({code, output}));
    child.once('close', () => {
      clearTimeout(timer);
      request.signal?.removeEventListener('abort', onAbort);
    });
    // A helper may answer without reading.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (!hasErrno(error, 'ESRCH')) throw error;
  }
}

function parseAnswer(output: string, request: CredentialHelperRequest): Credential | null {
  const answer = parseJson(output, request);
  if (!isPlainObject(answer) || !isString(answer.Username) || !isString(answer.Secret)) {
    throw helperFailed(request, 'did not answer with Username and Secret');
  }
  const {Username: username, Secret: secret} = answer;
  if (username === '' && secret === '') return null;
  return username === TOKEN_USERNAME ? {identityToken: secret} : {username, password: secret};
}

function parseJson(output: string, request: CredentialHelperRequest): unknown {
  try {
    return JSON.parse(output);
  } catch (error) {
    // The parser's message quotes the text, which is the secret.
    if (error instanceof SyntaxError) throw helperFailed(request, 'did not answer with JSON');
    throw error;
  }
}

function notStarted(request: CredentialHelperRequest, error: Error): WinchError {
  const {name, serverAddress} = request;
  if (!hasErrno(error, 'ENOENT')) return helperFailed(request, `cannot be started (${errnoOf(error)})`);
  return new WinchError('CREDENTIAL_HELPER_FAILED', `docker-credential-${name} for ${serverAddress} is not installed`, {
    kind: 'unauthorized',
    hint: 'install it, or take it out of the login file (credsStore, credHelpers)',
  });
}

const errnoOf = (error: Error): string => ('code' in error ? String(error.code) : error.name);

function helperFailed({name, serverAddress}: CredentialHelperRequest, fault: string): WinchError {
  return new WinchError(
    'CREDENTIAL_HELPER_FAILED',
    `docker-credential-${name.slice(0, 60)} for ${serverAddress} ${fault}`,
    {
      kind: 'unauthorized',
      hint: `try it by hand: echo ${serverAddress} | docker-credential-${name.slice(0, 60)} get`,
    },
  );
}
