import {flagInvalid, quote} from '../arguments/usage-error.ts';

const UNITS: Readonly<Record<string, number>> = {s: 1, m: 60, h: 3600};
/** What a timer of Node's can count, in whole days. */
const MOST_SECONDS = 24 * 86_400;

/**
 * Reads a stretch of time as timeout(1) takes it.
 *
 * @throws {WinchError} `FLAG_INVALID`
 */
export function parseSeconds(flag: string, duration: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)([smh]?)$/.exec(duration) ?? [];
  const seconds = Number(number) * (UNITS[unit] ?? 1);
  if (seconds > 0 && seconds <= MOST_SECONDS) return seconds;
  throw flagInvalid(flag, `${quote(duration)} is not a time above zero and below 24 days`, `${flag} 90, 90s, 5m or 1h`);
}
