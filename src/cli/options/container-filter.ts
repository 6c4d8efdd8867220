import type {ContainerSummary} from '../../containers/kept/list-containers.ts';
import {isWinchError} from '../../errors.ts';
import {familiarReference, parseReference} from '../../oci/reference.ts';
import {flagInvalid, quote} from '../arguments/usage-error.ts';
import {statusOf} from '../render/container-status.ts';

type ContainerFilter = (container: ContainerSummary) => boolean;

/** What filters of these keys may ask for. */
const CHOICES: Readonly<Record<string, readonly string[]>> = {
  status: ['created', 'running', 'paused', 'exited'],
  health: ['starting', 'healthy', 'unhealthy', 'none'],
};

/** What a filter of each key asks, given its value. */
const QUESTIONS: Readonly<Record<string, (value: string) => ContainerFilter>> = {
  name: (value) => (container) => container.name?.includes(value) ?? false,
  id: (value) => (container) => container.id.startsWith(value),
  status: (value) => (container) => statusOf(container) === value,
  label: (value) => (container) => hasLabel(container, value),
  health:
    (value) =>
    ({health}) =>
      (health?.status ?? 'none') === value,
  ancestor: (value) => (container) => isOfImage(container, value),
};

/**
 * Reads `--filter`s into one question. As docker has it, filters of one key are alternatives, but every label must be
 * there, and those of different keys must all hold.
 *
 * @throws {WinchError} `FLAG_INVALID`
 */
export function parseContainerFilter(words: readonly string[]): ContainerFilter {
  const byKey = Map.groupBy(words.map(parseFilter), ({key}) => key);
  return (container) =>
    [...byKey].every(([key, filters]) =>
      key === 'label'
        ? filters.every(({accepts}) => accepts(container))
        : filters.some(({accepts}) => accepts(container)),
    );
}

function parseFilter(word: string): {readonly key: string; readonly accepts: ContainerFilter} {
  const equals = word.indexOf('=');
  const [key, value] = [word.slice(0, Math.max(equals, 0)), word.slice(equals + 1)];
  const question = Object.hasOwn(QUESTIONS, key) ? QUESTIONS[key] : undefined;
  const choices = Object.hasOwn(CHOICES, key) ? CHOICES[key] : undefined;
  if (question && value !== '' && (choices?.includes(value) ?? true)) return {key, accepts: question(value)};
  const known = Object.keys(QUESTIONS).map(
    (name) => `${name}=${CHOICES[name] ? ` (${CHOICES[name].join(', ')})` : ''}`,
  );
  const expected = `--filter ${known.slice(0, -1).join(', ')} or ${known.at(-1)}`;
  throw flagInvalid('--filter', `${quote(word)} is not understood`, expected);
}

function hasLabel({labels}: ContainerSummary, value: string): boolean {
  const equals = value.indexOf('=');
  const name = equals < 0 ? value : value.slice(0, equals);
  return Object.hasOwn(labels, name) && (equals < 0 || labels[name] === value.slice(equals + 1));
}

const isOfImage = ({image, imageId}: ContainerSummary, value: string): boolean =>
  (imageId !== null && (imageId.startsWith(value) || imageId.startsWith(`sha256:${value}`))) ||
  (image !== null && familiarName(image) === familiarName(value));

function familiarName(text: string): string {
  try {
    return familiarReference(parseReference(text));
  } catch (error) {
    // An id is no name.
    if (isWinchError(error, 'REFERENCE_INVALID')) return text;
    throw error;
  }
}
