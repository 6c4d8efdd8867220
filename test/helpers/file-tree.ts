import {spawnSync} from 'node:child_process';
import {createHash} from 'node:crypto';
import {lstatSync, readdirSync, readFileSync, readlinkSync} from 'node:fs';

export const FILE_TYPE = Object.freeze({
  fifo: 0o010000,
  character: 0o020000,
  directory: 0o040000,
  block: 0o060000,
  file: 0o100000,
  symlink: 0o120000,
});
const TYPE_MASK = 0o170000;
const PERMISSION_MASK = 0o7777;
const LARGEST_OUTPUT = 2 ** 28;

/** One file as lstat(2), readlink(2), getfattr(1) and its content show it. */
export interface ListedFile {
  /** One of {@link FILE_TYPE}. */
  readonly type: number;
  readonly permissions: string;
  readonly owner: string;
  readonly mtimeNanoseconds: string;
  readonly links: number;
  readonly size: number;
  readonly device: string;
  /** The target of a symlink (one character per byte), the SHA-256 of a file. */
  readonly content: string;
  /** `name=0xvalue`, sorted. */
  readonly xattrs: readonly string[];
}

/** By path (`./a/b`, one character per byte). */
export type Listing = Readonly<Record<string, ListedFile>>;

/** Everything below a directory, which is `.`. */
export function listTree(root: string): Listing {
  const files: Record<string, ListedFile> = {};
  const xattrs = readXattrs(root);
  const visit = (path: Buffer, name: string) => {
    const file = describeFile(path, xattrs.get(name) ?? []);
    files[name] = file;
    if (file.type !== FILE_TYPE.directory) return;
    for (const child of readdirSync(path, {encoding: 'buffer'})) {
      visit(Buffer.concat([path, Buffer.from('/'), child]), `${name}/${child.toString('latin1')}`);
    }
  };
  visit(Buffer.from(root), '.');
  return files;
}

function describeFile(path: Buffer, xattrs: readonly string[]): ListedFile {
  const stat = lstatSync(path, {bigint: true});
  const type = Number(stat.mode) & TYPE_MASK;
  return {
    type,
    permissions: (Number(stat.mode) & PERMISSION_MASK).toString(8),
    owner: `${stat.uid}:${stat.gid}`,
    mtimeNanoseconds: String(stat.mtimeNs),
    links: Number(stat.nlink),
    // Directories have sizes of their own on every file system.
    size: type === FILE_TYPE.directory ? 0 : Number(stat.size),
    device: `${stat.rdev >> 8n}:${stat.rdev & 0xffn}`,
    content: contentOf(path, type),
    xattrs,
  };
}

function contentOf(path: Buffer, type: number): string {
  if (type === FILE_TYPE.symlink) return readlinkSync(path, {encoding: 'buffer'}).toString('latin1');
  return type === FILE_TYPE.file ? createHash('sha256').update(readFileSync(path)).digest('hex') : '';
}

/** Node has no calls for them; getfattr escapes what would break its lines as `\ooo`. */
function readXattrs(root: string): ReadonlyMap<string, readonly string[]> {
  const {stdout, stderr, status} = spawnSync('getfattr', ['-R', '-P', '-h', '-d', '-m', '-', '-e', 'hex', '.'], {
    cwd: root,
    maxBuffer: LARGEST_OUTPUT,
    encoding: 'latin1',
  });
  if (status !== 0) throw new Error(`getfattr: ${stderr}`);
  const blocks = stdout.split('\n\n').filter((block) => block.trim() !== '');
  return new Map(
    blocks.map((block) => {
      const [header = '', ...lines] = block.trim().split('\n');
      const path = unescapeOctal(header.slice('# file: '.length));
      return [path === '.' ? path : `./${path}`, lines.sort()];
    }),
  );
}

function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
