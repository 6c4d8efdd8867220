import {formatRows} from './format.ts';
import {safeText} from './safe-text.ts';

export interface NameList {
  /** What a template calls them. */
  readonly field: string;
  readonly names: readonly string[];
  /** What `--format json` prints. */
  readonly data: unknown;
}

/** Names from a registry, one a line, or as `--format` asks. */
export function renderNames({field, names, data}: NameList, format: string | undefined): string {
  if (format === undefined) return names.map(safeText).join('\n');
  const rows = names.map((name) => ({[field]: safeText(name)}));
  return formatRows({headings: {[field]: field.toUpperCase()}, defaultColumns: [field], rows, data}, format);
}
