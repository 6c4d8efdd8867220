import type {LabelFilter} from '../../images/prune.ts';
import {flagInvalid, quote} from '../arguments/usage-error.ts';

export interface PruneFilters {
  /** Milliseconds since 1970. */
  readonly createdBefore?: number;
  readonly labels: readonly LabelFilter[];
}

const MS_OF: Readonly<Record<string, number>> = {s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000};
const DURATION = /^(?:\d+(?:\.\d+)?[smhdw])+$/;
const UNIX_SECONDS = /^\d+(?:\.\d+)?$/;
const ISO_TIME = /^\d{4}-\d{2}-\d{2}(?:$|T)/;

/**
 * Reads the `--filter`s of prune, which must all hold.
 *
 * @param now Milliseconds since 1970; from there a duration counts back.
 * @throws {WinchError} `FLAG_INVALID`
 */
export function parsePruneFilters(words: readonly string[], now: number): PruneFilters {
  const filters = words.map(splitFilter);
  const times = filters.filter(({key}) => key === 'until');
  if (times.length > 1) throw flagInvalid('--filter', 'until is given twice', 'it once');
  const labels = filters.flatMap(({key, value}) => (key === 'until' ? [] : [parseLabel(value, key === 'label!')]));
  const [until] = times;
  return until ? {createdBefore: parseTime(until.value, now), labels} : {labels};
}

function splitFilter(word: string): {readonly key: string; readonly value: string} {
  const [, key, value] = /^(until|label!?)=(.+)$/s.exec(word) ?? [];
  if (key !== undefined && value !== undefined) return {key, value};
  throw flagInvalid('--filter', `${quote(word)} is not understood`, '--filter until=24h, label=NAME or label!=NAME');
}

function parseLabel(text: string, isExcluded: boolean): LabelFilter {
  const equals = text.indexOf('=');
  if (equals < 0) return {name: text, value: null, isExcluded};
  return {name: text.slice(0, equals), value: text.slice(equals + 1), isExcluded};
}

function parseTime(text: string, now: number): number {
  if (DURATION.test(text)) return now - durationMs(text);
  const time = UNIX_SECONDS.test(text) ? Number(text) * 1000 : ISO_TIME.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isFinite(time)) return time;
  throw flagInvalid(
    '--filter',
    `${quote(text)} is neither a duration nor a time`,
    '--filter until=24h, 7d, 2026-01-31, 2026-01-31T12:00:00Z or seconds since 1970',
  );
}

const durationMs = (text: string): number =>
  [...text.matchAll(/([\d.]+)([smhdw])/g)].reduce(
    (sum, [, count, unit = '']) => sum + Number(count) * (MS_OF[unit] ?? 0),
    0,
  );
