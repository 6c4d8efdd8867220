import type {WhichAnswer, WhichMatch} from '../../images/which.ts';
import {humanBytes, shortDigest} from './human.ts';
import {safeText} from './safe-text.ts';
import {renderTable} from './table.ts';

const COMMAND_COLUMNS = 45;
const DASH = '-';

/** Holders of a path or a digest, one a line; empty for none. */
export function renderWhich({matches}: WhichAnswer): string {
  const [first] = matches;
  if (!first) return '';
  const what = first.file === null ? ['IS ITS'] : ['FILE', 'SIZE'];
  return renderTable(
    ['IMAGE', 'ID', 'PLATFORM', ...what, 'LAYER', 'CREATED BY'],
    matches.map((match) => matchRow(match)),
  );
}

function matchRow(match: WhichMatch): readonly string[] {
  const {image, platform, layer} = match;
  return [
    image.references.length > 0 ? image.references.map(safeText).join(', ') : '<none>',
    shortDigest(image.imageId),
    safeText(platform),
    ...whatCells(match),
    layer ? `${layer.number} ${shortDigest(layer.digest)}` : DASH,
    layer ? shorten(safeText(layer.createdBy)) : DASH,
  ];
}

function whatCells({file, roles}: WhichMatch): readonly string[] {
  if (file === null) return [roles.map((role) => role.replace('-', ' ')).join(', ')];
  const path = file.linkTarget === null ? file.path : `${file.path} → ${file.linkTarget}`;
  return [safeText(path), file.type === 'file' ? humanBytes(file.size) : file.type];
}

const shorten = (text: string): string =>
  text.length <= COMMAND_COLUMNS ? text : `${text.slice(0, COMMAND_COLUMNS - 1)}…`;
