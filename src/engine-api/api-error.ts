import {type ErrorKind, isWinchError, WinchError} from '../errors.ts';
import {dockersSentence} from './dockers-sentence.ts';

const STATUS_BY_KIND: Readonly<Record<ErrorKind, number>> = {
  invalid: 400,
  refused: 500,
  'not-found': 404,
  unavailable: 500,
  unauthorized: 401,
  denied: 403,
  storage: 500,
  corrupt: 500,
  unsupported: 501,
  runtime: 500,
  interrupted: 503,
};

const STATUS_BY_CODE: ReadonlyMap<string, number> = new Map([
  ['BODY_TIMEOUT', 408],
  ['AUTH_DENIED', 401],
  ['BODY_TOO_LARGE', 413],
  ['CONTAINER_STOPPED', 409],
  ['COMMAND_NOT_FOUND', 400],
  ['COMMAND_NOT_EXECUTABLE', 400],
  ['NETWORK_CONNECTED', 403],
  ['NETWORK_IN_USE', 403],
  ['NETWORK_OVERLAPS', 403],
  ['NETWORK_PERMANENT', 403],
]);

/** By which docker's command tells its exit codes 127 and 126 from others. */
const DOCKERS_WORDS: ReadonlyMap<string, string> = new Map([
  ['COMMAND_NOT_FOUND', 'executable file not found'],
  ['COMMAND_NOT_EXECUTABLE', 'permission denied'],
]);

/** What the kind of an error does not tell: something is in the way that the caller may clear. */
const CONFLICTS = /_(?:IN_USE|EXISTS|TAGGED_TWICE|AMBIGUOUS|TAKEN|RUNNING|PAUSED|NOT_PAUSED|CONNECTED|MOUNTED)$/;

export interface ErrorReply {
  readonly status: number;
  readonly message: string;
}

/** The status and the text of an error, as docker's clients know them: `{message}`. */
export function errorReply(error: unknown): ErrorReply {
  if (!isWinchError(error)) return {status: 500, message: 'winch failed unexpectedly; its own output has the details'};
  const sentence = dockersSentence(error);
  if (sentence !== null) return {status: statusOf(error), message: sentence};
  const words = [error.message, DOCKERS_WORDS.get(error.code), error.hint];
  return {status: statusOf(error), message: words.filter((word) => word !== undefined).join(': ')};
}

const statusOf = ({code, kind}: WinchError): number =>
  STATUS_BY_CODE.get(code) ?? (CONFLICTS.test(code) ? 409 : STATUS_BY_KIND[kind]);

/** @param what What there is none of, in one clause. */
export const notOffered = (what: string, hint: string): WinchError =>
  new WinchError('NOT_OFFERED', what, {kind: 'unsupported', hint});
