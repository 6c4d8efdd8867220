import type {LabelFilter} from './prune-filter.ts';

const MS_OF: Readonly<Record<string, number>> = {s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000};
const DURATION = /^(?:\d+(?:\.\d+)?[smhdw])+$/;
const UNIX_SECONDS = /^\d+(?:\.\d+)?$/;
const ISO_TIME = /^\d{4}-\d{2}-\d{2}(?:$|T)/;

/**
 * The time of an `until` filter: a duration back from now (`1h30m`, `7d`), seconds since 1970, or a time of ISO 8601.
 *
 * @param now Milliseconds since 1970.
 * @returns milliseconds since 1970; null: it is none of these.
 */
export function readPruneTime(text: string, now: number): number | null {
  if (DURATION.test(text)) return now - durationMs(text);
  const time = UNIX_SECONDS.test(text) ? Number(text) * 1000 : ISO_TIME.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isFinite(time) ? time : null;
}

/** `NAME` or `NAME=value`. */
export function readLabelFilter(text: string, isExcluded: boolean): LabelFilter {
  const equals = text.indexOf('=');
  if (equals < 0) return {name: text, value: null, isExcluded};
  return {name: text.slice(0, equals), value: text.slice(equals + 1), isExcluded};
}

const durationMs = (text: string): number =>
  [...text.matchAll(/([\d.]+)([smhdw])/g)].reduce(
    (sum, [, count, unit = '']) => sum + Number(count) * (MS_OF[unit] ?? 0),
    0,
  );
