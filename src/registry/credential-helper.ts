import {spawn} from 'node:child_process';
import is from '@sindresorhus/is';
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
 * Asks a docker credential helper (`get`); null when it holds nothing for the server.
 *
 * The address goes in by standard input, never as an argument; what the program prints reaches no message, and its
 * standard error is thrown away. It and its children are killed after 30 s or 1 MiB of output.
 *
 * @throws {WinchError} `CREDENTIAL_HELPER_FAILED`
 * @see docker/docker-credential-helpers README.md#development
 */
export async function runCredentialHelper(request: CredentialHelperRequest): Promise<Credential | null> {
  request.signal?.throwIfAborted();
  if (!NAME_PATTERN.test(request.name)) throw helperFailed(request, 'has a name that no program has');
  const {code, output} = await runHelper(request);
  if (code !== 0 && output.trim() === NOT_FOUND_TEXT) return null;
  if (code !== 0) throw helperFailed(request, code === null ? 'was killed' : `failed with exit code ${code}`);
  return parseAnswer(output, request);
}

function runHelper(request: CredentialHelperRequest): Promise<HelperExit> {
  return new Promise((resolve, reject) => {
    const child = spawn(`docker-credential-${request.name}`, ['get'], {
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
    child.on('error', (error) => reject(hasErrno(error, 'ENOENT') ? helperMissing(request) : error));
    child.on('close', (code) => resolve({code, output}));
    child.once('close', () => {
      clearTimeout(timer);
      request.signal?.removeEventListener('abort', onAbort);
    });
    // A helper may answer without reading.
    child.stdin.on('error', () => {});
    child.stdin.end(`${request.serverAddress}\n`);
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
  if (!is.plainObject(answer) || !is.string(answer.Username) || !is.string(answer.Secret)) {
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

function helperMissing({name, serverAddress}: CredentialHelperRequest): WinchError {
  return new WinchError('CREDENTIAL_HELPER_FAILED', `docker-credential-${name} for ${serverAddress} is not installed`, {
    kind: 'unauthorized',
    hint: "install it, or take it out of docker's config.json (credsStore, credHelpers)",
  });
}

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
