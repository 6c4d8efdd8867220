import {isWinchError, WinchError} from '../../errors.ts';
import {readContainerPorts} from '../../network/port-form.ts';
import {excerpt} from '../../oci/excerpt.ts';
import {familiarReference, parseReference} from '../../oci/reference.ts';
import {findByText, unknownContainer} from './find-container.ts';
import type {ContainerSummary} from './list-containers.ts';
import {statusOf} from './status-of.ts';

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
    if (!/^\d{1,3}$/.test(value)) throw filterInvalid(`exited=${value}`);
    return ({exitCode}) => exitCode === Number(value);
  },
  health: (value) => (container) => (container.health?.status ?? 'none') === value,
  label: (value) => (container) => hasLabel(container, value),
  ancestor: (value) => (container) => isOfImage(container, value),
  before: (value) => (container, all) => container.created < requireNamed(all, value).created,
  since: (value) => (container, all) => container.created > requireNamed(all, value).created,
  volume: (value) => (container) => container.mounts.some(({source, target}) => source === value || target === value),
  network: (value) => (container) => container.networks.some(({id, name}) => name === value || id.startsWith(value)),
  publish: (value) => (container) => isAmong(publishedBy(container), value),
  expose: (value) => (container) => isAmong(exposedBy(container), value),
};

export interface ContainerSelection {
  /** Values by their keys, as docker has them. */
  readonly filters: Readonly<Record<string, readonly string[]>>;
  /** Whether those are listed as well that do not run; so they are when filters ask for their end, and with `most`. */
  readonly all: boolean;
  /** How many, from the latest; absent: any number. */
  readonly most?: number | undefined;
}

/**
 * Makes a choice among all containers.
 *
 * @throws {WinchError} `FILTER_INVALID`; what is returned throws `CONTAINER_UNKNOWN`
 */
export function createContainerSelection({filters, all, most}: ContainerSelection) {
  const isWanted = createContainerFilter(filters);
  const takesEnded = all || most !== undefined || 'status' in filters || 'exited' in filters;
  const isListed = ({state, isRestarting}: ContainerSummary) => takesEnded || state === 'running' || isRestarting;
  return (containers: readonly ContainerSummary[]): readonly ContainerSummary[] =>
    containers.filter((container) => isListed(container) && isWanted(container, containers)).slice(0, most);
}

/**
 * Makes one question of filters by their keys. As docker has it, filters of one key are alternatives, but every label
 * must be there, and those of different keys must all hold.
 *
 * @throws {WinchError} `FILTER_INVALID`; what is returned throws `CONTAINER_UNKNOWN`
 */
function createContainerFilter(filters: Readonly<Record<string, readonly string[]>>): ContainerFilter {
  const questions = Object.entries(filters).map(([key, values]) => ({
    isEvery: key === 'label',
    asked: values.map((value) => questionOf(key, value)),
  }));
  return (container, all) =>
    questions.every(({isEvery, asked}) =>
      isEvery ? asked.every((accepts) => accepts(container, all)) : asked.some((accepts) => accepts(container, all)),
    );
}

function questionOf(key: string, value: string): ContainerFilter {
  const question = Object.hasOwn(QUESTIONS, key) ? QUESTIONS[key] : undefined;
  const choices = Object.hasOwn(CHOICES, key) ? CHOICES[key] : undefined;
  if (question && value !== '' && (choices?.includes(value) ?? true)) return question(value);
  throw filterInvalid(`${key}=${value}`);
}

function filterInvalid(filter: string): WinchError {
  const known = Object.keys(QUESTIONS).map((key) => `${key}=${CHOICES[key] ? ` (${CHOICES[key].join(', ')})` : ''}`);
  return new WinchError('FILTER_INVALID', `the filter ${excerpt(filter)} is not understood`, {
    kind: 'invalid',
    hint: `filter containers by ${known.slice(0, -1).join(', ')} or ${known.at(-1)}`,
  });
}

function requireNamed(all: readonly ContainerSummary[], text: string): ContainerSummary {
  const found = findByText(all, text);
  if (found) return found;
  throw unknownContainer(text);
}

/** Ports of the machine. */
const publishedBy = ({ports}: ContainerSummary): readonly string[] =>
  ports.map(({hostPort, protocol}) => `${hostPort}/${protocol}`);

/** Its own ports, whether they are published or not. */
const exposedBy = ({ports, exposed = []}: ContainerSummary): readonly string[] => [
  ...ports.map(({containerPort, protocol}) => `${containerPort}/${protocol}`),
  ...exposed,
];

/** `80`, `80/udp`, `8000-8010`: whether any of these ports is there. */
function isAmong(listed: readonly string[], value: string): boolean {
  const asked = readContainerPorts(value);
  if (asked === null) return false;
  const {first, last} = asked.ports;
  return listed
    .flatMap((text) => readContainerPorts(text) ?? [])
    .some(({ports, protocol}) => protocol === asked.protocol && ports.first <= last && ports.last >= first);
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
