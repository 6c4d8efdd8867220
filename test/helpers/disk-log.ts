import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';

/** What a program did to files, in the order in which it was over; `paths` are absolute. */
export type DiskOperation =
  | {readonly type: 'create'; readonly path: string; readonly isTruncated: boolean}
  | {readonly type: 'write'; readonly path: string; readonly bytes: Buffer; readonly offset: number | null}
  | {readonly type: 'truncate'; readonly path: string; readonly length: number}
  | {readonly type: 'make-directory'; readonly path: string}
  | {readonly type: 'remove'; readonly path: string}
  | {readonly type: 'rename'; readonly path: string; readonly target: string}
  /** What is synced is what was there when the call began; only when it is over can one count on it. */
  | {readonly type: 'sync-begun'; readonly path: string; readonly call: number}
  | {readonly type: 'sync-done'; readonly path: string; readonly call: number};

const CALLS = [
  ...['open', 'openat', 'creat', 'write', 'pwrite64', 'writev', 'pwritev', 'pwritev2', 'ftruncate', 'truncate'],
  ...['fsync', 'fdatasync', 'syncfs', 'rename', 'renameat', 'renameat2', 'unlink', 'unlinkat', 'rmdir'],
  ...['mkdir', 'mkdirat', 'link', 'linkat', 'symlinkat', 'fallocate', 'copy_file_range', 'sendfile'],
];

/**
 * Words in front of a command line whose operations are then in the files `<log>.<thread>`.
 *
 * @param killedAtSync The fsync, counted in each thread by itself, that kills the command as it begins.
 */
export const recordingWords = (log: string, killedAtSync?: number): readonly string[] => [
  ...['strace', '-f', '-ff', '-ttt', '-T', '-y', '-xx', '-qq', '-s', '100000000', '-o', log],
  ...['-e', `trace=${CALLS.join(',')}`],
  // With --seccomp-bpf, strace 6.1 injects at the first call of any name only.
  ...(killedAtSync === undefined ? ['--seccomp-bpf'] : ['-e', `inject=fsync:signal=KILL:when=${killedAtSync}`]),
];

interface Call {
  readonly name: string;
  readonly words: string;
  readonly result: number;
  readonly beginMs: number;
  readonly endMs: number;
}

/** The operations on what lies below `root`. */
export function readDiskLog(directory: string, log: string, root: string): readonly DiskOperation[] {
  const files = readdirSync(directory).filter((name) => name.startsWith(`${log}.`));
  const calls = files.flatMap((name) => parseCalls(readFileSync(join(directory, name), 'latin1')));
  const timed = calls.flatMap((call, index) => operationsOf(call, index));
  return timed
    .toSorted((a, b) => a.atMs - b.atMs)
    .map(({operation}) => operation)
    .filter((operation) => operation.path === root || operation.path.startsWith(`${root}/`));
}

function parseCalls(text: string): readonly Call[] {
  return text.split('\n').flatMap((line) => {
    const match = /^([\d.]+) (\w+)\((.*)\) += (-?\d+)(?:<[^>]*>)?(?: \w+ \([^)]*\))? <([\d.]+)>$/.exec(line);
    if (!match) return [];
    const [, at = '', name = '', words = '', result = '', duration = ''] = match;
    const beginMs = Number(at) * 1000;
    return [{name, words, result: Number(result), beginMs, endMs: beginMs + Number(duration) * 1000}];
  });
}

interface TimedOperation {
  readonly operation: DiskOperation;
  readonly atMs: number;
}

function operationsOf({name, words, result, beginMs, endMs}: Call, call: number): readonly TimedOperation[] {
  if (result < 0) return [];
  const [path = '', target = ''] = textsOf(words);
  const done = (operation: DiskOperation) => [{operation, atMs: endMs}];
  switch (name) {
    case 'open':
    case 'openat':
    case 'creat':
      if (!/O_CREAT|O_TRUNC/.test(words) && name !== 'creat') return [];
      return done({type: 'create', path, isTruncated: /O_TRUNC/.test(words)});
    case 'write':
    case 'pwrite64':
    case 'writev':
    case 'pwritev':
    case 'pwritev2':
      return done({
        type: 'write',
        path: fileOf(words),
        bytes: bytesOf(words).subarray(0, result),
        offset: offsetOf(name, words),
      });
    case 'ftruncate':
      return done({type: 'truncate', path: fileOf(words), length: Number(/, (\d+)$/.exec(words)?.[1])});
    case 'mkdir':
    case 'mkdirat':
      return done({type: 'make-directory', path});
    case 'unlink':
    case 'unlinkat':
    case 'rmdir':
      return done({
        type: 'remove',
        path: name === 'unlinkat' && !path.startsWith('/') ? join(fileOf(words), path) : path,
      });
    case 'rename':
    case 'renameat':
    case 'renameat2':
      return done({type: 'rename', path, target});
    case 'fsync':
    case 'fdatasync':
      return [
        {operation: {type: 'sync-begun', path: fileOf(words), call}, atMs: beginMs},
        {operation: {type: 'sync-done', path: fileOf(words), call}, atMs: endMs},
      ];
    default:
      throw new Error(`this model has no ${name}`);
  }
}

/** What a descriptor is of, as `-y` shows it. */
const fileOf = (words: string): string => decode(/^\w+<([^>]*)>/.exec(words)?.[1] ?? '').toString();

const textsOf = (words: string): readonly string[] =>
  [...words.matchAll(/"([^"]*)"/g)].map(([, text = '']) => decode(text).toString());

const bytesOf = (words: string): Buffer =>
  Buffer.concat([...words.matchAll(/"([^"]*)"/g)].map(([, text = '']) => decode(text)));

/** Null: behind what was written last. */
const offsetOf = (name: string, words: string): number | null => {
  if (!name.startsWith('p')) return null;
  const offset = name === 'pwritev2' ? /, (\d+), [^,]*$/ : /, (\d+)$/;
  return Number(offset.exec(words)?.[1]);
};

const decode = (text: string): Buffer => Buffer.from(text.replaceAll('\\x', ''), 'hex');
