import {PROCESS_COLUMNS, toProcessRow} from '../../docker-json/process-row.ts';
import type {ProcessDetails} from '../../host/process-details.ts';
import {formatRows} from './format.ts';
import {safeText} from './safe-text.ts';

export interface ProcessesView {
  readonly format: string | undefined;
  readonly now: Date;
}

const HEADINGS = Object.fromEntries(PROCESS_COLUMNS.map((column) => [column, column]));

/** Processes as `ps -ef` lists them. */
export function renderProcesses(processes: readonly ProcessDetails[], {format, now}: ProcessesView): string {
  const rows = processes.map((process) => {
    const row = toProcessRow(process, now);
    return {...row, CMD: safeText(row.CMD)};
  });
  return formatRows({headings: HEADINGS, defaultColumns: PROCESS_COLUMNS, rows, data: processes}, format);
}
