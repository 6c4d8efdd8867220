import type {ImageSummary} from '../../images/list.ts';
import {flagInvalid, quote} from '../arguments/usage-error.ts';

type ImageFilter = (image: ImageSummary) => boolean;

/**
 * Reads `--filter`s into one question. Filters of one key are alternatives, those of different keys must all hold, as
 * docker has it. A `reference` pattern matches the repository alone or with its tag; `*` stays within one path
 * component.
 *
 * @throws {WinchError} `FLAG_INVALID`
 */
export function parseImageFilter(words: readonly string[]): ImageFilter {
  const byKey = Map.groupBy(words.map(parseFilter), ({key}) => key);
  return (image) => [...byKey.values()].every((filters) => filters.some(({accepts}) => accepts(image)));
}

function parseFilter(word: string): {readonly key: string; readonly accepts: ImageFilter} {
  const equals = word.indexOf('=');
  const [key, value] = [word.slice(0, Math.max(equals, 0)), word.slice(equals + 1)];
  if (key === 'reference') return {key, accepts: acceptReference(value)};
  if (key === 'dangling' && (value === 'true' || value === 'false')) {
    return {key, accepts: ({reference}) => (reference === null) === (value === 'true')};
  }
  throw flagInvalid('--filter', `${quote(word)} is not understood`, '--filter reference=PATTERN or dangling=true');
}

function acceptReference(pattern: string): ImageFilter {
  const expression = new RegExp(`^${pattern.replace(/[\\^$.*+?()[\]{}|]/g, translate)}$`);
  return ({repository, reference}) =>
    (repository !== null && expression.test(repository)) || (reference !== null && expression.test(reference));
}

const WILDCARDS: Readonly<Record<string, string>> = {'*': '[^/]*', '?': '[^/]'};

const translate = (character: string): string => WILDCARDS[character] ?? `\\${character}`;
