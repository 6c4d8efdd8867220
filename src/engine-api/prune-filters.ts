import {WinchError} from '../errors.ts';
import type {LabelFilter, PruneFilter} from '../images/prune-filter.ts';
import {readLabelFilter, readPruneTime} from '../images/prune-words.ts';
import {notOffered} from './api-error.ts';
import {filtersOf} from './api-request.ts';

export interface ReadPruneFilters extends PruneFilter {
  readonly labels: readonly LabelFilter[];
  /** The filters of other names. */
  readonly others: Readonly<Record<string, readonly string[]>>;
}

/**
 * The `filters` of a prune.
 *
 * @param now Milliseconds since 1970; from there a duration counts back.
 * @param others Which further names there are.
 * @throws {WinchError} `FILTER_INVALID` | `NOT_OFFERED`
 */
export function readPruneFilters(
  query: URLSearchParams,
  {now, others = []}: {readonly now: number; readonly others?: readonly string[]},
): ReadPruneFilters {
  const {until = [], label = [], 'label!': unlabelled = [], ...rest} = filtersOf(query);
  const unknown = Object.keys(rest).find((name) => !others.includes(name));
  if (unknown !== undefined) throw notOffered(`there is no filter ${unknown} here`, 'filter by label, label! or until');
  const [time, ...more] = until;
  if (more.length > 0) throw invalid('until is given twice');
  return {
    ...(time !== undefined && {createdBefore: timeOf(time, now)}),
    labels: [
      ...label.map((text) => readLabelFilter(text, false)),
      ...unlabelled.map((text) => readLabelFilter(text, true)),
    ],
    others: rest,
  };
}

function timeOf(text: string, now: number): number {
  const time = readPruneTime(text, now);
  if (time !== null) return time;
  throw invalid('until is neither a duration nor a time');
}

const invalid = (problem: string): WinchError => new WinchError('FILTER_INVALID', problem, {kind: 'invalid'});
