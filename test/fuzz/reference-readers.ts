import {spawn, spawnSync} from 'node:child_process';
import {writeFileSync} from 'node:fs';
import {createInterface} from 'node:readline';
import {fileURLToPath} from 'node:url';

/** What another reader finds in a tar; what it does not tell is absent. */
export interface ReferenceEntry {
  readonly path: string;
  readonly type: string;
  readonly linkPath: string;
  readonly uid: number;
  readonly gid: number;
  /** Whole seconds, cut to 0 … 2^33. */
  readonly mtime: number;
  /** What its times are multiples of. */
  readonly mtimeUnit: number;
  /** As the header has it, whatever the type. */
  readonly size: number;
  readonly permissions?: number;
  readonly dataOffset?: number;
}

export type ReferenceListing = {readonly entries: readonly ReferenceEntry[]} | {readonly error: string};

export interface TarfileReader extends AsyncDisposable {
  list(tar: Buffer): Promise<ReferenceListing>;
}

/** Why tars cannot be compared here; undefined when they can. */
export const readersSkip = ((): string | undefined => {
  const missing = ['python3', 'tar'].filter((name) => spawnSync(name, ['--version']).status !== 0);
  return missing.length > 0 ? `not installed: ${missing.join(', ')}` : undefined;
})();

const SCRIPT = fileURLToPath(new URL('list-with-tarfile.py', import.meta.url));
const LENGTH_BYTES = 4;
const MTIME_LIMIT = 2 ** 33;

/** Python's tarfile, in one process for many tars. */
export function openTarfile(): TarfileReader {
  const child = spawn('python3', [SCRIPT], {stdio: ['pipe', 'pipe', 'inherit']});
  const lines = createInterface({input: child.stdout})[Symbol.asyncIterator]();
  return {
    list: async (tar) => {
      const length = Buffer.alloc(LENGTH_BYTES);
      length.writeUInt32BE(tar.length);
      child.stdin.write(Buffer.concat([length, tar]));
      const line = await lines.next();
      if (line.done) throw new Error('python3 ended');
      return JSON.parse(line.value) as ReferenceListing;
    },
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      await lines.return?.();
    },
  };
}

const TYPE_LETTERS: Readonly<Record<string, string>> = Object.freeze({
  '-': 'file',
  d: 'directory',
  l: 'symlink',
  h: 'hardlink',
  c: 'character',
  b: 'block',
  p: 'fifo',
  C: 'file',
});
const LINE = /^(.)[^ ]* +(-?\d+)\/(-?\d+) +(\d+|\d+,\d+) (-?\d+-\d\d-\d\d) (\d\d:\d\d) (.*)$/;
const LINK = / (?:->|link to) /;

/** GNU tar's listing, through a file at `path`. */
export function listWithGnuTar(tar: Buffer, path: string): ReferenceListing {
  writeFileSync(path, tar);
  const words = ['-tvP', '--numeric-owner', '--quoting-style=escape', '-f', path];
  const {status, stdout, stderr} = spawnSync('tar', words, {encoding: 'latin1', env: {LC_ALL: 'C', TZ: 'UTC'}});
  if (status !== 0) return {error: stderr};
  const lines = stdout.split('\n').filter((line) => line !== '');
  const entries = lines.map(parseLine);
  const unread = lines.find((_, index) => entries[index] === null);
  return unread === undefined
    ? {entries: entries.flatMap((entry) => entry ?? [])}
    : {error: `unreadable line: ${unread}`};
}

function parseLine(line: string): ReferenceEntry | null {
  const match = LINE.exec(line);
  const type = TYPE_LETTERS[match?.[1] ?? ''];
  if (!match || !type) return null;
  const [, , uid, gid, size = '', date, time, names = ''] = match;
  const isLink = type === 'symlink' || type === 'hardlink';
  // The spaces of names are escaped.
  const [path = '', linkPath = ''] = isLink ? names.split(LINK) : [names];
  const mtime = Date.parse(`${date}T${time}Z`) / 1000;
  return {
    path: decodeEscapes(path),
    type,
    linkPath: decodeEscapes(linkPath),
    uid: Number(uid),
    gid: Number(gid),
    mtimeUnit: 60,
    mtime: Math.min(Math.max(mtime, 0), MTIME_LIMIT),
    size: size.includes(',') ? 0 : Number(size),
  };
}

const ESCAPES: Readonly<Record<string, string>> = Object.freeze({
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  e: '\x1b',
});

const decodeEscapes = (text: string): string =>
  text.replace(/\\([0-7]{3}|.)/g, (_, code: string) =>
    code.length === 3 ? String.fromCharCode(Number.parseInt(code, 8)) : (ESCAPES[code] ?? code),
  );
