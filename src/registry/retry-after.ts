import type {TransportResponse} from './transport.ts';

const HTTP_DATE = /^[A-Za-z]{3,9},? [0-9A-Za-z: -]{10,30}( GMT)?$/;

/**
 * Milliseconds that a reply asks to wait; null when it does not say, or says what is no time to come.
 *
 * @see RFC 9110 §10.2.3
 */
export function readRetryAfter({headers}: Pick<TransportResponse, 'headers'>, now: number): number | null {
  const value = headers['retry-after']?.trim() ?? '';
  if (/^\d{1,15}$/.test(value)) return Number(value) === 0 ? null : Number(value) * 1000;
  const date = HTTP_DATE.test(value) ? Date.parse(value) : Number.NaN;
  return date > now ? date - now : null;
}
