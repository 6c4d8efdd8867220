/**
 * The class of a failure. It decides the exit code (`cli/exit-codes.ts`), nothing else.
 *
 * - `invalid`: the caller's own words (a reference, an option) cannot be used
 * - `refused`: content from outside broke a rule or a limit (digest, size, manifest, tar, config)
 * - `not-found`: what was named does not exist there
 * - `unavailable`: a registry or the network does not answer as it must
 * - `unauthorized`, `denied`: no or wrong credentials, or not allowed with them
 * - `storage`: the store's disk: space, permission, read-only, a lock held too long
 * - `corrupt`: the store's own bytes are not what they were
 * - `unsupported`: this machine or version cannot do it
 * - `runtime`: the container runtime failed
 * - `interrupted`: a signal or the caller ended it
 */
export type ErrorKind =
  | 'invalid'
  | 'refused'
  | 'not-found'
  | 'unavailable'
  | 'unauthorized'
  | 'denied'
  | 'storage'
  | 'corrupt'
  | 'unsupported'
  | 'runtime'
  | 'interrupted';

export interface WinchErrorOptions {
  readonly kind: ErrorKind;
  /** What to do next, about the world and not about flags. */
  readonly hint?: string;
  readonly details?: Readonly<Record<string, string | number | boolean | readonly string[]>>;
  readonly cause?: unknown;
}

/**
 * Every expected failure. Anything else that is thrown is a bug of winch.
 *
 * `code` is stable and specific (`DIGEST_MISMATCH`); `message` says what and which object in one line, without the code.
 */
export class WinchError extends Error {
  override readonly name = 'WinchError';
  readonly code: string;
  readonly kind: ErrorKind;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, string | number | boolean | readonly string[]>>;

  constructor(code: string, message: string, options: WinchErrorOptions) {
    super(message, options.cause === undefined ? undefined : {cause: options.cause});
    this.code = code;
    this.kind = options.kind;
    this.hint = options.hint;
    this.details = options.details ?? {};
  }
}

/** What is said of a failure in other words. */
export interface Rewording {
  readonly message?: string;
  readonly hint?: string;
  /** Beside those that it has. */
  readonly details?: WinchError['details'];
}

/** The same failure, said in other words; what is not given stays as it is. */
export function reword(
  error: WinchError,
  {message = error.message, hint = error.hint, details}: Rewording,
): WinchError {
  return new WinchError(error.code, message, {
    kind: error.kind,
    details: {...error.details, ...details},
    cause: error.cause,
    ...(hint !== undefined && {hint}),
  });
}

/** Whether `error` is a WinchError, optionally with this code. */
export const isWinchError = (error: unknown, code?: string): error is WinchError =>
  error instanceof WinchError && (code === undefined || error.code === code);

/** Whether `error` carries this system error code (`ENOENT`, `EEXIST` …). */
export const hasErrno = (error: unknown, ...codes: readonly string[]): error is NodeJS.ErrnoException =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code);

/** Whether `error` is what the kernel said to a call of Node's, whatever its code. */
export const isSystemError = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && 'syscall' in error && 'errno' in error;
