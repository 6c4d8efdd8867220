import {WinchError} from '../errors.ts';
import {excerpt} from '../oci/excerpt.ts';

export type Question<T> = (shown: T) => boolean;

/** Values by their keys, as docker has them. */
export type Filters = Readonly<Record<string, readonly string[]>>;

export interface KeyFilter<T> {
  /** What is filtered: `networks`. */
  readonly what: string;
  /** What a filter of each key asks, given its value; null: it cannot have this value. */
  readonly questions: Readonly<Record<string, (value: string) => Question<T> | null>>;
  /** For the hint. */
  readonly expected: string;
}

/**
 * Makes one question of filters by their keys. As docker has it, filters of one key are alternatives, but every label
 * must be there, and those of different keys must all hold.
 *
 * @throws {WinchError} `FILTER_INVALID`
 */
export function createKeyFilter<T>(filters: Filters, {what, questions, expected}: KeyFilter<T>): Question<T> {
  const read = (key: string, value: string): Question<T> => {
    const accepts = value !== '' && Object.hasOwn(questions, key) ? questions[key]?.(value) : null;
    if (accepts) return accepts;
    throw new WinchError('FILTER_INVALID', `the filter ${excerpt(`${key}=${value}`)} of ${what} is not understood`, {
      kind: 'invalid',
      hint: `filter ${what} by ${expected}`,
    });
  };
  const byKey = Object.entries(filters).map(([key, values]) => ({
    isEvery: key === 'label',
    asked: values.map((value) => read(key, value)),
  }));
  return (shown) =>
    byKey.every(({isEvery, asked}) =>
      isEvery ? asked.every((accepts) => accepts(shown)) : asked.some((accepts) => accepts(shown)),
    );
}

/** `NAME` or `NAME=value`. */
export const hasLabel =
  (filter: string) =>
  ({labels}: {readonly labels: Readonly<Record<string, string>>}): boolean => {
    const equals = filter.indexOf('=');
    const name = equals < 0 ? filter : filter.slice(0, equals);
    return Object.hasOwn(labels, name) && (equals < 0 || labels[name] === filter.slice(equals + 1));
  };

const YES: readonly string[] = ['true', '1'];
const NO: readonly string[] = ['false', '0'];

/** What holds for `true`, and does not for `false`; null for another word. */
export const whether =
  <T>(holds: Question<T>) =>
  (value: string): Question<T> | null =>
    YES.includes(value) || NO.includes(value) ? (shown) => holds(shown) === YES.includes(value) : null;
