import type {ImageDiff} from '../../images/diff.ts';
import type {ConfigChange, ConfigValue} from '../../images/diff-config.ts';
import type {FileChange, FileDetails} from '../../images/diff-files.ts';
import {humanBytes} from './human.ts';
import {safeText} from './safe-text.ts';
import {renderTable} from './table.ts';

const LETTERS = {added: 'A', changed: 'C', removed: 'D'} as const;

/** Files by the letters of `docker diff`, then settings; empty where nothing differs. */
export function renderDiff({files, config}: ImageDiff): string {
  const paths = renderTable(['', 'SIZE', 'CHANGED', 'PATH'], files.map(fileRow));
  const settings = renderTable(['', 'SETTING', 'VALUE'], config.map(configRow));
  return [...(files.length > 0 ? [paths] : []), ...(config.length > 0 ? [settings] : [])].join('\n\n');
}

/** How many files come and go (`2 added (3kB), 1 changed, 1 removed (4B)`). */
export function summarizeDiff({files}: ImageDiff): string {
  const added = files.filter(({kind}) => kind === 'added');
  const removed = files.filter(({kind}) => kind === 'removed');
  const addedBytes = added.reduce((sum, {after}) => sum + (after?.size ?? 0), 0);
  const removedBytes = removed.reduce((sum, {before}) => sum + (before?.size ?? 0), 0);
  return [
    `${added.length} added (${humanBytes(addedBytes)})`,
    `${files.length - added.length - removed.length} changed`,
    `${removed.length} removed (${humanBytes(removedBytes)})`,
  ].join(', ');
}

const fileRow = (change: FileChange): readonly string[] => [
  LETTERS[change.kind],
  sizeOf(change),
  describeDifferences(change),
  pathOf(change),
];

function sizeOf({before, after}: FileChange): string {
  const sizes = [before, after].flatMap((side) => (side?.type === 'file' ? [side.size] : []));
  return [...new Set(sizes)].map(humanBytes).join(' → ');
}

function describeDifferences({before, after, differences}: FileChange): string {
  if (!before || !after) return '';
  const values: Readonly<Record<string, (side: FileDetails) => string>> = {
    type: ({type}) => type,
    mode: ({mode}) => mode.toString(8).padStart(4, '0'),
    owner: ({uid, gid}) => `${uid}:${gid}`,
  };
  return differences
    .map((name) => {
      const show = values[name];
      return show ? `${name} ${show(before)} → ${show(after)}` : name;
    })
    .join(', ');
}

function pathOf({path, before, after}: FileChange): string {
  const targets = [before, after].flatMap((side) => side?.linkTarget ?? []);
  return [path, ...new Set(targets)].map(safeText).join(' → ');
}

const configRow = ({field, name, before, after}: ConfigChange): readonly string[] => [
  before === null ? 'A' : after === null ? 'D' : 'C',
  safeText(name === null ? field : `${field} ${name}`),
  [before, after].flatMap((value) => (value === null ? [] : [showValue(value)])).join(' → '),
];

const showValue = (value: ConfigValue): string => safeText(typeof value === 'string' ? value : JSON.stringify(value));
