import {flagInvalid, quote} from '../arguments/usage-error.ts';

type Question<T> = (shown: T) => boolean;

export interface KeyFilter<T> {
  /** What a filter of each key asks, given its value; null: it cannot have this value. */
  readonly questions: Readonly<Record<string, (value: string) => Question<T> | null>>;
  /** For the hint. */
  readonly expected: string;
}

/**
 * Reads `--filter KEY=value`s into one question. As docker has it, filters of one key are alternatives, but every label
 * must be there, and those of different keys must all hold.
 *
 * @throws {WinchError} `FLAG_INVALID`
 */
export function parseKeyFilter<T>(words: readonly string[], {questions, expected}: KeyFilter<T>): Question<T> {
  const parse = (word: string) => {
    const equals = word.indexOf('=');
    const [key, value] = [word.slice(0, Math.max(equals, 0)), word.slice(equals + 1)];
    const accepts = value !== '' && Object.hasOwn(questions, key) ? questions[key]?.(value) : null;
    if (accepts) return {key, accepts};
    throw flagInvalid('--filter', `${quote(word)} is not understood`, expected);
  };
  const byKey = Map.groupBy(words.map(parse), ({key}) => key);
  return (shown) =>
    [...byKey].every(([key, filters]) =>
      key === 'label' ? filters.every(({accepts}) => accepts(shown)) : filters.some(({accepts}) => accepts(shown)),
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

/** What holds for `true`, and does not for `false`; null for another word. */
export const whether =
  <T>(holds: Question<T>) =>
  (value: string): Question<T> | null =>
    value === 'true' || value === 'false' ? (shown) => holds(shown) === (value === 'true') : null;
