import type {ContainerSummary} from '../../containers/kept/list-containers.ts';
import {statusOf} from '../../containers/kept/status-of.ts';
import {humanAge} from '../../docker-json/age.ts';
import {formatPorts} from '../../docker-json/network-settings.ts';
import {describeStatus} from '../../docker-json/status-text.ts';
import {formatRows} from './format.ts';
import {humanBytes, shortDigest} from './human.ts';
import {safeText} from './safe-text.ts';

export interface ContainersView {
  readonly format: string | undefined;
  readonly idsOnly: boolean;
  /** Ids and commands in full. */
  readonly isFull: boolean;
  readonly now: Date;
}

const HEADINGS = {
  ID: 'CONTAINER ID',
  Image: 'IMAGE',
  Command: 'COMMAND',
  RunningFor: 'CREATED',
  CreatedAt: 'CREATED AT',
  Status: 'STATUS',
  State: 'STATE',
  Ports: 'PORTS',
  Networks: 'NETWORKS',
  Names: 'NAMES',
  Size: 'SIZE',
  Labels: 'LABELS',
  Mounts: 'MOUNTS',
} as const;

const SHORT_ID = 12;
const LONGEST_COMMAND = 20;

/** Containers as docker lists them. */
export function renderContainers(containers: readonly ContainerSummary[], view: ContainersView): string {
  const rows = containers.map((container) => toRow(container, view));
  if (view.idsOnly) return rows.map(({ID}) => ID).join('\n');
  const hasSizes = containers.some(({writtenBytes}) => writtenBytes !== undefined);
  const columns = ['ID', 'Image', 'Command', 'RunningFor', 'Status', 'Ports', 'Names'];
  const defaultColumns = hasSizes ? [...columns, 'Size'] : columns;
  return formatRows({headings: HEADINGS, defaultColumns, rows, data: containers}, view.format);
}

const toRow = (container: ContainerSummary, {isFull, now}: ContainersView) => ({
  ID: isFull ? container.id : container.id.slice(0, SHORT_ID),
  Image: safeText(imageOf(container, isFull)),
  Command: `"${safeText(cut(container.command.join(' '), isFull))}"`,
  RunningFor: humanAge(container.created, now),
  CreatedAt: container.created,
  Status: describeStatus(container, now),
  State: statusOf(container),
  Ports: formatPorts(container.ports),
  Networks: container.networks.map(({name}) => name).join(','),
  Names: safeText(container.name ?? ''),
  Size: container.writtenBytes === undefined ? '' : humanBytes(container.writtenBytes),
  Mounts: safeText(container.mounts.map(({source, target}) => source ?? target).join(',')),
  Labels: safeText(
    Object.entries(container.labels)
      .map(([name, value]) => `${name}=${value}`)
      .join(','),
  ),
});

function imageOf({image, imageId}: ContainerSummary, isFull: boolean): string {
  if (image === null) return '<bundle>';
  return image === imageId && !isFull ? shortDigest(image) : image;
}

const cut = (text: string, isFull: boolean): string =>
  isFull || text.length <= LONGEST_COMMAND ? text : `${text.slice(0, LONGEST_COMMAND - 1)}…`;
