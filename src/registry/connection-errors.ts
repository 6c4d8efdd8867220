import {hasErrno, WinchError} from '../errors.ts';

export interface ConnectionErrorContext {
  readonly url: URL;
  readonly signal?: AbortSignal | undefined;
  /** Through which it went. */
  readonly proxy?: URL | null;
}

interface Explanation {
  readonly code: 'PROXY_FAILED' | 'REGISTRY_UNREACHABLE' | 'REGISTRY_UNAVAILABLE' | 'TLS_FAILED' | 'PROTOCOL_ERROR';
  readonly what: string;
  readonly hint: string;
}

const CHECK_NETWORK = 'check the name and the network';

const UNREACHABLE: ReadonlyMap<string, readonly [cause: string, hint: string]> = new Map([
  ['ENOTFOUND', ['no such host', 'check how the name is written, and DNS']],
  ['EAI_AGAIN', ['its name cannot be resolved now', 'check DNS and the network']],
  ['ECONNREFUSED', ['connection refused', 'check that a registry listens on that port']],
  ['EHOSTUNREACH', ['no route to it', CHECK_NETWORK]],
  ['ENETUNREACH', ['no route to it', CHECK_NETWORK]],
  ['EADDRNOTAVAIL', ['no route to it', CHECK_NETWORK]],
]);

const UNKNOWN_AUTHORITY: readonly unknown[] = Object.freeze([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

const CERTIFICATE_FAULTS: ReadonlyMap<string, string> = new Map([
  ['CERT_HAS_EXPIRED', 'its certificate has expired'],
  ['CERT_SIGNATURE_FAILURE', 'its certificate is not signed by the authority that it names'],
  ['CERT_NOT_YET_VALID', 'its certificate is not valid yet'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'its certificate is signed by itself'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'its certificate authority is not known here'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'its certificate authority is not known here'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'its certificate authority is not known here'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'its certificate is for another host'],
]);

/**
 * What a failed connection means, as the error to throw.
 *
 * An aborted signal gives its own reason; an error without a system code is a bug and comes back as it is. The HTTP
 * client's error is not kept as the cause: it holds the request with its headers.
 */
export function connectionError(error: unknown, {url, signal, proxy}: ConnectionErrorContext): unknown {
  if (signal?.aborted) return signal.reason;
  if (error instanceof WinchError) return error;
  // The message of the cause would show the proxy's login.
  if (proxy && hasErrno(error, 'ERR_PROXY_TUNNEL')) return proxyRefused(url, proxy, statusOf(error.cause));
  const explanation = (proxy && explainProxy(error, proxy)) ?? explain(error);
  if (explanation === null) return error;
  const {code, what, hint} = explanation;
  const cause = error instanceof Error ? error.cause : undefined;
  const details = {host: url.host, errno: (error as NodeJS.ErrnoException).code ?? ''};
  return new WinchError(code, `${url.host} ${what}`, {kind: 'unavailable', hint, details, cause});
}

/** Whether a certificate failed only because nobody here knows who signed it. */
export const isUnknownAuthority = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && UNKNOWN_AUTHORITY.includes(error.code);

/** The error for a proxy that does not let a request through; without status, it closes the connection. */
export function proxyRefused(url: URL, proxy: URL, status?: number): WinchError {
  const isLogin = status === 407;
  const answer = status === undefined ? 'it closes the connection' : `it answers ${status}`;
  const what = isLogin ? 'it wants a login' : answer;
  return new WinchError('PROXY_FAILED', `${url.host} cannot be reached through the proxy ${proxy.host}: ${what}`, {
    kind: 'unavailable',
    hint: isLogin
      ? 'write user:password@ in front of its address'
      : 'check its rules, or list the registry in NO_PROXY',
    details: {host: url.host, proxy: proxy.host, ...(status !== undefined && {status})},
  });
}

const statusOf = (cause: unknown): number | undefined =>
  cause instanceof Error && 'statusCode' in cause && typeof cause.statusCode === 'number'
    ? cause.statusCode
    : undefined;

/** Name lookup and TCP are between here and the proxy; TLS is not. */
function explainProxy(error: unknown, proxy: URL): Explanation | null {
  if (!(error instanceof Error && 'code' in error && typeof error.code === 'string')) return null;
  const cause = UNREACHABLE.get(error.code)?.[0];
  if (cause === undefined) return null;
  const hint = 'check the address of the proxy';
  return {code: 'PROXY_FAILED', what: `cannot be reached, since the proxy ${proxy.host} cannot: ${cause}`, hint};
}

function explain(error: unknown): Explanation | null {
  if (!(error instanceof Error && 'code' in error && typeof error.code === 'string')) return null;
  const unreachable = UNREACHABLE.get(error.code);
  if (unreachable) {
    const [cause, hint] = unreachable;
    return {code: 'REGISTRY_UNREACHABLE', what: `cannot be reached: ${cause}`, hint};
  }
  if (hasErrno(error, 'ETIMEDOUT')) return explainTimeout(error);
  return explainTls(error.code) ?? explainExchange(error.code);
}

function explainTimeout(error: Error): Explanation {
  if ('event' in error && error.event === 'response') {
    return {code: 'REGISTRY_UNAVAILABLE', what: 'takes the request but does not answer', hint: 'try again later'};
  }
  return {code: 'REGISTRY_UNREACHABLE', what: 'cannot be reached: the connection timed out', hint: CHECK_NETWORK};
}

function explainTls(code: string): Explanation | null {
  const fault = CERTIFICATE_FAULTS.get(code);
  if (fault !== undefined) {
    const hint = 'add the certificate of its authority to certs.d or to this machine, or name the registry as insecure';
    return {code: 'TLS_FAILED', what: `cannot be trusted: ${fault}`, hint};
  }
  if (/^ERR_SSL_.*ALERT_(?:CERTIFICATE_REQUIRED|BAD_CERTIFICATE|UNKNOWN_CA)$/.test(code)) {
    const hint = 'put a certificate (*.cert) and its key (*.key) for it into certs.d';
    return {code: 'TLS_FAILED', what: 'wants a client certificate that it trusts', hint};
  }
  if (!/^(EPROTO$|ERR_SSL_|ERR_TLS_|CERT_|UNABLE_TO_)/.test(code)) return null;
  const hint = 'if it speaks plain HTTP, name the registry as insecure';
  return {code: 'TLS_FAILED', what: `does not complete a TLS handshake (${code})`, hint};
}

function explainExchange(code: string): Explanation | null {
  if (code.startsWith('HPE_')) {
    return {code: 'PROTOCOL_ERROR', what: `does not speak HTTP/1.1 (${code})`, hint: 'check host and port'};
  }
  if (!/^(E[A-Z]+|ERR_HTTP_[A-Z_]+|ERR_READING_RESPONSE_STREAM|ERR_STREAM_PREMATURE_CLOSE)$/.test(code)) return null;
  return {code: 'REGISTRY_UNAVAILABLE', what: `ended the connection (${code})`, hint: 'try again'};
}
