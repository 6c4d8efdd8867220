import type {LabelFilter} from '../../images/prune.ts';
import {readLabelFilter, readPruneTime} from '../../images/prune-words.ts';
import {flagInvalid, quote} from '../arguments/usage-error.ts';

export interface PruneFilters {
  /** Milliseconds since 1970. */
  readonly createdBefore?: number;
  readonly labels: readonly LabelFilter[];
}

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
  const labels = filters.flatMap(({key, value}) => (key === 'until' ? [] : [readLabelFilter(value, key === 'label!')]));
  const [until] = times;
  return until ? {createdBefore: parseTime(until.value, now), labels} : {labels};
}

function splitFilter(word: string): {readonly key: string; readonly value: string} {
  const [, key, value] = /^(until|label!?)=(.+)$/s.exec(word) ?? [];
  if (key !== undefined && value !== undefined) return {key, value};
  throw flagInvalid('--filter', `${quote(word)} is not understood`, '--filter until=24h, label=NAME or label!=NAME');
}

function parseTime(text: string, now: number): number {
  const time = readPruneTime(text, now);
  if (time !== null) return time;
  throw flagInvalid(
    '--filter',
    `${quote(text)} is neither a duration nor a time`,
    '--filter until=24h, 7d, 2026-01-31, 2026-01-31T12:00:00Z or seconds since 1970',
  );
}
