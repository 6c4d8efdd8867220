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

function lineOf({mode, owner, size, modified, layer, digest, path}: Cells): string {
  const columns = [owner.padEnd(WIDTHS.owner), size.padStart(WIDTHS.size), modified.padEnd(WIDTHS.modified)].join(GAP);
  const hash = digest === null ? '' : `${GAP}${digest.padEnd(WIDTHS.digest)}`;
  return `${mode}${GAP}${columns}${GAP}${layer.padStart('LAYER'.length)}${hash}${GAP}${path}`;
}

function pathOf({path, linkTarget, hardLink}: ImageFile): string {
  if (linkTarget !== null) return `${safeText(path)} → ${safeText(linkTarget)}`;
  return hardLink === null ? safeText(path) : `${safeText(path)} link to ${safeText(hardLink)}`;
}

const TRIPLETS = Object.freeze(['---', '--x', '-w-', '-wx', 'r--', 'r-x', 'rw-', 'rwx']);

/** As `ls -l` shows it (`drwxr-xr-x`). */
function modeOf({type, mode}: ImageFile): string {
  if (type === 'whiteout') return `${KIND_LETTERS.whiteout}---------`;
  const triplet = (shift: number, special: number, letter: string) => {
    const plain = TRIPLETS[(mode >> shift) & 7] ?? '';
    if ((mode & special) === 0) return plain;
    return `${plain.slice(0, 2)}${plain.endsWith('x') ? letter : letter.toUpperCase()}`;
  };
  return `${KIND_LETTERS[type]}${triplet(6, 0o4000, 's')}${triplet(3, 0o2000, 's')}${triplet(0, 0o1000, 't')}`;
}
