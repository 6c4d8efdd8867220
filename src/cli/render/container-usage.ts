import type {ContainerUsage} from '../../containers/kept/watch-usage.ts';
import {formatRows} from './format.ts';
import {humanBytes} from './human.ts';

export interface UsageView {
  readonly format: string | undefined;
  /** Whole ids. */
  readonly isFull: boolean;
}

const HEADINGS = {
  ID: 'CONTAINER ID',
  Container: 'CONTAINER',
  Name: 'NAME',
  CPUPerc: 'CPU %',
  MemUsage: 'MEM USAGE / LIMIT',
  MemPerc: 'MEM %',
  NetIO: 'NET I/O',
  BlockIO: 'BLOCK I/O',
  PIDs: 'PIDS',
};
const DEFAULT_COLUMNS = ['ID', 'Name', 'CPUPerc', 'MemUsage', 'MemPerc', 'NetIO', 'BlockIO', 'PIDs'];
const SHORT_ID = 12;
const UNKNOWN = '--';

/** What containers use, in docker's columns. */
export const renderUsage = (usages: readonly ContainerUsage[], {format, isFull}: UsageView): string =>
  formatRows(
    {
      headings: HEADINGS,
      defaultColumns: DEFAULT_COLUMNS,
      rows: usages.map((usage) => toRow(usage, isFull)),
      data: usages,
    },
    format,
  );

function toRow(usage: ContainerUsage, isFull: boolean) {
  const {id, name, memoryBytes, availableMemoryBytes, network, pids} = usage;
  const shownId = isFull ? id : id.slice(0, SHORT_ID);
  return {
    ID: shownId,
    Container: shownId,
    Name: name ?? '',
    CPUPerc: percent(usage.busyProcessors),
    MemUsage: `${bytes(memoryBytes)} / ${bytes(availableMemoryBytes)}`,
    MemPerc: percent(memoryBytes === null ? null : memoryBytes / availableMemoryBytes),
    NetIO: network === null ? UNKNOWN : `${bytes(network.receivedBytes)} / ${bytes(network.sentBytes)}`,
    BlockIO: `${bytes(usage.readBytes)} / ${bytes(usage.writtenBytes)}`,
    PIDs: pids === null ? UNKNOWN : String(pids),
  };
}

const bytes = (value: number | null): string => (value === null ? UNKNOWN : humanBytes(value));

const percent = (share: number | null): string => (share === null ? UNKNOWN : `${(share * 100).toFixed(2)}%`);
