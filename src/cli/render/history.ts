import {humanAge} from '../../docker-json/age.ts';
import type {HistoryEntry} from '../../images/history.ts';
import {formatRows} from './format.ts';
import {humanBytes, shortDigest} from './human.ts';
import {safeText} from './safe-text.ts';

export interface HistoryView {
  readonly format: string | undefined;
  readonly digestsOnly: boolean;
  /** Digests and commands in full. */
  readonly isFull: boolean;
  readonly now: Date;
}

const COMMAND_COLUMNS = 45;

const HEADINGS = {
  Layer: 'LAYER',
  CreatedSince: 'CREATED',
  CreatedAt: 'CREATED AT',
  CreatedBy: 'CREATED BY',
  Size: 'SIZE',
  Comment: 'COMMENT',
} as const;

/** The steps that made an image, in the order given; steps without a layer show a dash. */
export function renderHistory(entries: readonly HistoryEntry[], view: HistoryView): string {
  if (view.digestsOnly) return entries.flatMap(({layer}) => layer?.digest ?? []).join('\n');
  const rows = entries.map((entry) => toRow(entry, view));
  const defaultColumns = ['Layer', 'CreatedSince', 'CreatedBy', 'Size', 'Comment'];
  return formatRows({headings: HEADINGS, defaultColumns, rows, data: entries}, view.format);
}

function toRow({layer, created, createdBy, comment}: HistoryEntry, {isFull, now}: HistoryView) {
  return {
    Layer: layer === null ? '-' : isFull ? layer.digest : shortDigest(layer.digest),
    CreatedSince: humanAge(created, now),
    CreatedAt: safeText(created ?? 'N/A'),
    CreatedBy: safeText(isFull ? createdBy : shorten(createdBy)),
    Size: humanBytes(layer?.unpackedBytes ?? 0),
    Comment: safeText(comment ?? ''),
  };
}

const shorten = (command: string): string => {
  const line = command.replace(/\s+/g, ' ');
  return line.length > COMMAND_COLUMNS ? `${line.slice(0, COMMAND_COLUMNS - 1)}…` : line;
};
