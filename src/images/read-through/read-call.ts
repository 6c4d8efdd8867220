import {WinchError} from '../../errors.ts';

export interface ReadCall {
  readonly signal: AbortSignal;
  /** Whether what is not stored may be fetched. */
  readonly mayFetch: boolean;
}

/** What neither the store nor its registry has. */
export const unknown = (code: string, what: string) =>
  new WinchError(code, `${what} is neither stored nor to be had`, {kind: 'not-found'});
