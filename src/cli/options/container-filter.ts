import type {ContainerSummary} from '../../containers/kept/list-containers.ts';
import {isWinchError} from '../../errors.ts';
import {familiarReference, parseReference} from '../../oci/reference.ts';
import {flagInvalid, quote} from '../arguments/usage-error.ts';
import {statusOf} from '../render/container-status.ts';

type ContainerFilter = (container: ContainerSummary) => boolean;

const STATES: readonly string[] = ['created', 'running', 'paused', 'exited'];

/** What a filter of each key asks, given its value. */
const QUESTIONS: Readonly<Record<string, (value: string) => ContainerFilter>> = {
  name: (value) => (container) => container.name?.includes(value) ?? false,
  id: (value) => (container) => container.id.startsWith(value),
  status: (value) => (container) => statusOf(container) === value,
  label: (value) => (container) => hasLabel(container, value),
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
  if (question && value !== '' && (key !== 'status' || STATES.includes(value))) return {key, accepts: question(value)};
  const expected = `--filter name=, id=, status= (${STATES.join(', ')}), label= or ancestor=`;
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
