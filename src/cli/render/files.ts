import type {ImageFile} from '../../images/list-files.ts';
import {safeText} from './safe-text.ts';

export interface FilesView {
  readonly pathsOnly: boolean;
  readonly showDigests: boolean;
}

const GAP = '  ';
const WIDTHS = Object.freeze({owner: 11, size: 12, modified: 16, digest: 71});
const KIND_LETTERS = Object.freeze({
  file: '-',
  directory: 'd',
  symlink: 'l',
  character: 'c',
  block: 'b',
  fifo: 'p',
  whiteout: 'w',
});

/** The heading of {@link renderFile}'s lines. */
export const filesHeading = ({showDigests}: Pick<FilesView, 'showDigests'>): string =>
  lineOf({
    mode: 'MODE      ',
    owner: 'OWNER',
    size: 'SIZE',
    modified: 'MODIFIED',
    layer: 'LAYER',
    digest: showDigests ? 'DIGEST' : null,
    path: 'PATH',
  });

/** A file as one line, as `tar tv` has it; columns have fixed widths, so that lines need not wait for one another. */
export function renderFile(file: ImageFile, {pathsOnly, showDigests}: FilesView): string {
  if (pathsOnly) return safeText(file.path);
  return lineOf({
    mode: modeOf(file),
    owner: `${file.uid}:${file.gid}`,
    size: file.device ?? String(file.size),
    modified: file.modified === null ? '-' : file.modified.slice(0, -8).replace('T', ' '),
    layer: String(file.layer),
    digest: showDigests ? (file.digest ?? '-') : null,
    path: pathOf(file),
  });
}

interface Cells {
  readonly mode: string;
  readonly owner: string;
  readonly size: string;
  readonly modified: string;
  readonly layer: string;
  readonly digest: string | null;
  readonly path: string;
}

const lineOf = ({mode, owner, size, modified, layer, digest, path}: Cells): string =>
  [
    mode,
    owner.padEnd(WIDTHS.owner),
    size.padStart(WIDTHS.size),
    modified.padEnd(WIDTHS.modified),
    layer.padStart('LAYER'.length),
    ...(digest === null ? [] : [digest.padEnd(WIDTHS.digest)]),
    path,
  ].join(GAP);

function pathOf({path, linkTarget, hardLink}: ImageFile): string {
  if (linkTarget !== null) return `${safeText(path)} → ${safeText(linkTarget)}`;
  return hardLink === null ? safeText(path) : `${safeText(path)} link to ${safeText(hardLink)}`;
}

const SPECIAL = Object.freeze([
  {bit: 0o4000, at: 2, set: 's', alone: 'S'},
  {bit: 0o2000, at: 5, set: 's', alone: 'S'},
  {bit: 0o1000, at: 8, set: 't', alone: 'T'},
]);

/** As `ls -l` shows it (`drwxr-xr-x`). */
function modeOf({type, mode}: ImageFile): string {
  if (type === 'whiteout') return `${KIND_LETTERS.whiteout}---------`;
  const letters = [...'rwxrwxrwx'].map((letter, index) => ((mode & (0o400 >> index)) === 0 ? '-' : letter));
  for (const {bit, at, set, alone} of SPECIAL) {
    if ((mode & bit) !== 0) letters[at] = letters[at] === 'x' ? set : alone;
  }
  return `${KIND_LETTERS[type]}${letters.join('')}`;
}
