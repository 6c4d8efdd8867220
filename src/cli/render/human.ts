const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** Bytes as docker shows them: powers of 1000, three digits that matter (`1.2kB`, `187MB`). */
export function humanBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (Math.round(value) >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 ? value : Number(value.toPrecision(3));
  return `${digits}${UNITS[unit]}`;
}

const STEPS: readonly (readonly [name: string, seconds: number, below: number])[] = [
  ['second', 1, 60],
  ['minute', 60, 60 * 60],
  ['hour', 3600, 48 * 3600],
  ['day', 86_400, 14 * 86_400],
  ['week', 7 * 86_400, 60 * 86_400],
  ['month', 30 * 86_400, 2 * 365 * 86_400],
  ['year', 365 * 86_400, Number.POSITIVE_INFINITY],
];

const YEAR_2 = Date.parse('0002-01-01T00:00:00Z');

/**
 * How long ago an ISO 8601 time was (`3 weeks ago`); `N/A` for none, for one that cannot be read and for year 1, which
 * builders write for "unknown".
 */
export function humanAge(time: string | null, now: Date): string {
  const then = time === null ? Number.NaN : Date.parse(time);
  if (Number.isNaN(then) || then < YEAR_2) return 'N/A';
  const seconds = Math.max(0, (now.getTime() - then) / 1000);
  const [name, size] = STEPS.find(([, , below]) => seconds < below) ?? (['second', 1] as const);
  const count = Math.floor(seconds / size);
  return `${count} ${name}${count === 1 ? '' : 's'} ago`;
}

/** The first twelve hexadecimal digits of a digest, as tables show it. */
export const shortDigest = (digest: string): string => {
  const colon = digest.indexOf(':');
  return digest.slice(colon + 1, colon + 13);
};

/** A stretch of time with the two units that matter (`0.4s`, `12s`, `1m05s`, `2h03m`, `3d04h`). */
export function humanDuration(seconds: number): string {
  if (seconds < 9.95 && seconds % 1 !== 0) return `${Number(seconds.toFixed(1))}s`;
  const whole = Math.round(seconds);
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0');
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m${two(whole % 60)}s`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)}h${two((whole % 3600) / 60)}m`;
  return `${Math.floor(whole / 86_400)}d${two((whole % 86_400) / 3600)}h`;
}
