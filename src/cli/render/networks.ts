import type {NetworkSummary} from '../../containers/networks/list-networks.ts';
import {formatRows} from './format.ts';
import {safeText} from './safe-text.ts';

export interface NetworksView {
  readonly format: string | undefined;
  readonly namesOnly: boolean;
  /** Ids in full. */
  readonly isFull: boolean;
}

const HEADINGS = {
  ID: 'NETWORK ID',
  Name: 'NAME',
  Driver: 'DRIVER',
  Subnets: 'SUBNETS',
  Containers: 'CONTAINERS',
  Internal: 'INTERNAL',
  CreatedAt: 'CREATED AT',
  Labels: 'LABELS',
} as const;

const SHORT_ID = 12;

/** Networks as docker lists them, with their subnets and the number of their containers. */
export function renderNetworks(networks: readonly NetworkSummary[], view: NetworksView): string {
  if (view.namesOnly) return networks.map(({name}) => safeText(name)).join('\n');
  const defaultColumns = ['ID', 'Name', 'Driver', 'Subnets', 'Containers'];
  const rows = networks.map((network) => toRow(network, view));
  return formatRows({headings: HEADINGS, defaultColumns, rows, data: networks}, view.format);
}

const toRow = (network: NetworkSummary, {isFull}: NetworksView) => ({
  ID: isFull ? network.id : network.id.slice(0, SHORT_ID),
  Name: safeText(network.name),
  Driver: network.driver,
  Subnets: network.subnets.map(({subnet}) => subnet).join(' '),
  Containers: String(network.containers.length),
  Internal: String(network.isInternal),
  CreatedAt: network.created ?? '',
  Labels: safeText(
    Object.entries(network.labels)
      .map(([name, value]) => `${name}=${value}`)
      .join(','),
  ),
});
