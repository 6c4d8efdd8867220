import {safeJson, safeText} from './safe-text.ts';
import {renderTable} from './table.ts';
import {compileTemplate} from './template.ts';

const TABLE = /^table(?:\s+(.*))?$/s;

export interface TableView<Row> {
  /** Template fields with their column headings; the default table's columns among them. */
  readonly headings: Readonly<Record<string, string>>;
  readonly defaultColumns: readonly string[];
  readonly rows: readonly Row[];
  /** What `--format json` prints. */
  readonly data: unknown;
}

/** Prints rows as `--format` asks: nothing or `table`, `table TEMPLATE`, `json`, or a template for each row. */
export function formatRows<Row extends Readonly<Record<string, string>>>(
  view: TableView<Row>,
  format: string | undefined,
): string {
  if (format === 'json') return safeJson(view.data, 2);
  const {headings, defaultColumns, rows} = view;
  const table = TABLE.exec(format ?? 'table');
  if (table && table[1] === undefined) {
    const cellsOf = (row: Readonly<Record<string, string>>) =>
      defaultColumns.map((column) => safeText(row[column] ?? ''));
    return renderTable(cellsOf(headings), rows.map(cellsOf));
  }
  const render = compileTemplate(table?.[1] ?? format ?? '');
  // Also finds a field that does not exist when there is no row to find it.
  const heading = render(headings);
  if (!table) return rows.map(render).join('\n');
  return renderTable(
    heading.split('\t'),
    rows.map((row) => render(row).split('\t')),
  );
}

/** Prints one value: as JSON for `json`, else by template. */
export const formatValue = (value: unknown, format: string): string =>
  format === 'json' ? safeJson(value, 2) : compileTemplate(format)(value);
