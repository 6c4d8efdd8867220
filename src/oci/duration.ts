const UNITS_MS: Readonly<Record<string, number>> = {ns: 1e-6, us: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000};
const DURATION = /^(?:\d+(?:\.\d+)?(?:ns|us|ms|s|m|h))+$/;

/** Milliseconds of a stretch of time as Go and docker write it (`1m30s`, `500ms`, `0`); null: it is none. */
export function parseDuration(text: string): number | null {
  if (text === '0') return 0;
  if (!DURATION.test(text)) return null;
  return [...text.matchAll(/([\d.]+)(ns|us|ms|s|m|h)/g)].reduce(
    (sum, [, number, unit = '']) => sum + Number(number) * (UNITS_MS[unit] ?? 0),
    0,
  );
}
