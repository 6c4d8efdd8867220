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
