import {type ErrorKind, isWinchError, WinchError} from '../errors.ts';

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

/** What the kind of an error does not tell: something is in the way that the caller may clear. */
const CONFLICTS = /_(?:IN_USE|EXISTS|TAGGED_TWICE|AMBIGUOUS|TAKEN|RUNNING|PAUSED|NOT_PAUSED|CONNECTED|MOUNTED)$/;

export interface ErrorReply {
  readonly status: number;
  readonly message: string;
}

/** The status and the text of an error, as docker's clients know them: `{message}`. */
export function errorReply(error: unknown): ErrorReply {
  if (!isWinchError(error)) return {status: 500, message: 'winch failed unexpectedly; its own output has the details'};
  const status = CONFLICTS.test(error.code) ? 409 : statusOf(error);
  return {status, message: error.hint === undefined ? error.message : `${error.message}: ${error.hint}`};
}

const statusOf = ({code, kind}: WinchError): number => (code === 'BODY_TOO_LARGE' ? 413 : STATUS_BY_KIND[kind]);

/** @param what What there is none of, in one clause. */
export const notOffered = (what: string, hint: string): WinchError =>
  new WinchError('NOT_OFFERED', what, {kind: 'unsupported', hint});
