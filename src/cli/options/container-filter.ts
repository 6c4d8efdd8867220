import {findByText, unknownContainer} from '../../containers/kept/find-container.ts';
import type {ContainerSummary} from '../../containers/kept/list-containers.ts';
import {statusOf} from '../../docker-json/container-status.ts';
import {isWinchError} from '../../errors.ts';
import {familiarReference, parseReference} from '../../oci/reference.ts';
import {flagInvalid, quote} from '../arguments/usage-error.ts';
import {parseInteger} from './number.ts';

type ContainerFilter = (container: ContainerSummary, all: readonly ContainerSummary[]) => boolean;

/** What filters of these keys may ask for. */
const CHOICES: Readonly<Record<string, readonly string[]>> = {
  status: ['created', 'running', 'paused', 'restarting', 'exited'],
  health: ['starting', 'healthy', 'unhealthy', 'none'],
};

/** What a filter of each key asks, given its value. */
const QUESTIONS: Readonly<Record<string, (value: string) => ContainerFilter>> = {
  name: (value) => (container) => container.name?.includes(value) ?? false,
  id: (value) => (container) => container.id.startsWith(value),
  status: (value) => (container) => statusOf(container) === value,
  exited: (value) => {
    const code = parseInteger('--filter exited=', value, {minimum: 0, maximum: 255});
    return ({exitCode}) => exitCode === code;
  },
  health: (value) => (container) => (container.health?.status ?? 'none') === value,
  label: (value) => (container) => hasLabel(container, value),
  ancestor: (value) => (container) => isOfImage(container, value),
  before: (value) => (container, all) => container.created < requireNamed(all, value).created,
  since: (value) => (container, all) => container.created > requireNamed(all, value).created,
  volume: (value) => (container) => container.mounts.some(({source, target}) => source === value || target === value),
  network: (value) => (container) => container.networks.some(({id, name}) => name === value || id.startsWith(value)),
  publish: (value) => (container) => publishes(container, value),
};

/**
 * Reads `--filter`s into one question. As docker has it, filters of one key are alternatives, but every label must be
 * there, and those of different keys must all hold.
 *
 * @throws {WinchError} `FLAG_INVALID`; what is returned throws `CONTAINER_UNKNOWN`
 */
export function parseContainerFilter(words: readonly string[]): ContainerFilter {
  const byKey = Map.groupBy(words.map(parseFilter), ({key}) => key);
  return (container, all) =>
    [...byKey].every(([key, filters]) =>
      key === 'label'
        ? filters.every(({accepts}) => accepts(container, all))
        : filters.some(({accepts}) => accepts(container, all)),
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

function requireNamed(all: readonly ContainerSummary[], text: string): ContainerSummary {
  const found = findByText(all, text);
  if (found) return found;
  throw unknownContainer(text);
}

/** `80`, `80/udp`, `8000-8010`, of the machine's ports. */
function publishes({ports}: ContainerSummary, value: string): boolean {
  const [, first = '', last = first, protocol = 'tcp'] = /^(\d+)(?:-(\d+))?(?:\/(\w+))?$/.exec(value) ?? [];
  return ports.some(
    (port) => port.protocol === protocol && port.hostPort >= Number(first || NaN) && port.hostPort <= Number(last),
  );
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
