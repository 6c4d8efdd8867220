import {type ErrorKind, isWinchError} from '../errors.ts';
import {jsonReply, type RegistryReply} from './registry-reply.ts';

const STATUS_BY_KIND: Readonly<Record<ErrorKind, number>> = {
  invalid: 400,
  refused: 502,
  'not-found': 404,
  unavailable: 502,
  // There is nothing that the client could log in to: it is for winch to be logged in.
  unauthorized: 403,
  denied: 403,
  storage: 500,
  corrupt: 500,
  unsupported: 405,
  runtime: 500,
  interrupted: 503,
};

const STATUS_BY_CODE: ReadonlyMap<string, number> = new Map([
  ['RATE_LIMITED', 429],
  ['HOST_REFUSED', 421],
]);

/** Those of the spec that clients go by; all others are told by the status. */
const CODES: ReadonlyMap<string, string> = new Map([
  ['MANIFEST_UNKNOWN', 'MANIFEST_UNKNOWN'],
  ['BLOB_UNKNOWN', 'BLOB_UNKNOWN'],
  ['NAME_UNKNOWN', 'NAME_UNKNOWN'],
  ['NAME_INVALID', 'NAME_INVALID'],
  ['DIGEST_INVALID', 'DIGEST_INVALID'],
  ['RATE_LIMITED', 'TOOMANYREQUESTS'],
]);

const CODE_BY_STATUS: ReadonlyMap<number, string> = new Map([
  [403, 'DENIED'],
  [405, 'UNSUPPORTED'],
]);

/** @see distribution-spec v1.1.1 spec.md#error-codes */
export function errorReply(error: unknown): RegistryReply {
  const isKnown = isWinchError(error);
  const status = isKnown ? (STATUS_BY_CODE.get(error.code) ?? STATUS_BY_KIND[error.kind]) : 500;
  const code = (isKnown ? CODES.get(error.code) : undefined) ?? CODE_BY_STATUS.get(status) ?? 'UNKNOWN';
  const message = isKnown
    ? [error.message, error.hint].filter((word) => word !== undefined).join(': ')
    : 'winch failed unexpectedly; its own output has the details';
  return jsonReply({errors: [{code, message}]}, {}, status);
}
