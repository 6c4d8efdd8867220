import type {CheckReport, Finding} from '../../images/check/check.ts';
import {formatRows} from './format.ts';
import {shortDigest} from './human.ts';
import {safeText} from './safe-text.ts';

const HEADINGS = {
  Code: 'CODE',
  Kind: 'KIND',
  Object: 'OBJECT',
  Path: 'PATH',
  Detail: 'DETAIL',
  Images: 'IMAGES',
  Outcome: 'OUTCOME',
} as const;

const COLUMNS = ['Code', 'Detail', 'Images', 'Path'];

/** What was found, a line each; nothing when there is nothing to tell. */
export function renderCheckReport(report: CheckReport, format: string | undefined): string {
  const {findings, repairs} = report;
  if (findings.length === 0 && format === undefined) return '';
  const repairOf = new Map(repairs.map((repair) => [repair.finding, repair]));
  const rows = findings.map((finding) => {
    const repair = repairOf.get(finding);
    return {...toRow(finding), Outcome: repair ? `${repair.outcome}: ${safeText(repair.detail)}` : ''};
  });
  const defaultColumns = repairs.length > 0 ? [...COLUMNS, 'Outcome'] : COLUMNS;
  return formatRows({headings: HEADINGS, defaultColumns, rows, data: report}, format);
}

/** What the damages mean, and what to do next, a line for each code. */
export const explainDamages = ({findings}: CheckReport): readonly string[] => [
  ...new Set(findings.filter(({isDamage}) => isDamage).map(({code, meaning, hint}) => `${code}: ${meaning}: ${hint}`)),
];

const toRow = ({code, kind, object, path, detail, images}: Finding) => ({
  Code: code,
  Kind: kind,
  Object: object,
  Path: safeText(path),
  Detail: safeText(detail),
  Images: images.map(({imageId, references}) => safeText(references[0] ?? shortDigest(imageId))).join(', ') || '-',
});
