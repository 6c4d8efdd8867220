import {WinchError} from '../errors.ts';
import type {Credential} from '../registry/credentials.ts';
import {isRecord, parseJson} from './api-request.ts';

const LIMIT = 64 * 1024;
/** Both alphabets, as clients of either kind are about. */
const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;

/**
 * The login of an `X-Registry-Auth` header: base64 of `{username, password}`, `{identitytoken}` or `{registrytoken}`.
 *
 * @returns null where it holds none, as `{}` does.
 * @throws {WinchError} `AUTH_HEADER_INVALID`
 */
export function readRegistryAuth(header: string | readonly string[] | undefined): Credential | null {
  if (header === undefined || header === '') return null;
  if (typeof header !== 'string' || header.length > LIMIT || !BASE64.test(header)) throw invalid();
  const value = parseAuth(Buffer.from(header, 'base64'));
  const text = (name: string): string => {
    const member = value[name] ?? '';
    if (typeof member !== 'string') throw invalid();
    return member;
  };
  return readLogin(text);
}

/** @returns null where there is none. */
export function readLogin(text: (name: string) => string): Credential | null {
  const [registryToken, identityToken, username] = [text('registrytoken'), text('identitytoken'), text('username')];
  if (registryToken !== '') return {registryToken};
  if (identityToken !== '') return {identityToken, ...(username !== '' && {username})};
  return username === '' ? null : {username, password: text('password')};
}

function parseAuth(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value = parseJson(bytes, 'the header');
    if (isRecord(value)) return value;
  } catch (error) {
    throw invalid(error);
  }
  throw invalid();
}

/** Without what it said, which may be a secret. */
const invalid = (cause?: unknown): WinchError =>
  new WinchError('AUTH_HEADER_INVALID', 'the header X-Registry-Auth is no base64 of a JSON object with a login', {
    kind: 'invalid',
    cause,
  });
