import {flagInvalid, quote} from '../arguments/usage-error.ts';

const UNITS: Readonly<Record<string, number>> = {ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000};
const STRETCH = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/;
const SECONDS = /^\d+(?:\.\d+)?$/;
const DATE = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?$/;

/**
 * Reads a moment as docker takes it: a date with or without a time, seconds since 1970, or a stretch of time before now.
 *
 * @throws {WinchError} `FLAG_INVALID`
 */
export function parseMoment(flag: string, word: string, now: Date): Date {
  if (SECONDS.test(word)) return new Date(Number(word) * 1000);
  if (STRETCH.test(word)) return new Date(now.getTime() - milliseconds(word));
  const moment = DATE.test(word) ? new Date(word) : null;
  if (moment && !Number.isNaN(moment.getTime())) return moment;
  throw flagInvalid(flag, `${quote(word)} is no time`, `${flag} 2026-01-31T12:00:00Z, 1769860800 or 10m`);
}

const milliseconds = (stretch: string): number =>
  [...stretch.matchAll(/([\d.]+)(ms|s|m|h|d)/g)].reduce(
    (sum, [, number, unit = '']) => sum + Number(number) * (UNITS[unit] ?? 0),
    0,
  );
