import type {ContainerPathStatus} from '../containers/files/path-status.ts';

const KIND_MASK = 0o170_000;
/** What Go's `fs.FileMode` has for the kinds of `stat(2)`; a regular file has none. */
const KIND_BITS: ReadonlyMap<number, number> = new Map([
  [0o040_000, 2 ** 31],
  [0o120_000, 2 ** 27],
  [0o060_000, 2 ** 26],
  [0o020_000, 2 ** 26 + 2 ** 21],
  [0o010_000, 2 ** 25],
  [0o140_000, 2 ** 24],
]);
const SPECIAL_BITS = [
  [0o4000, 2 ** 23],
  [0o2000, 2 ** 22],
  [0o1000, 2 ** 20],
] as const;

/** What docker's command reads about a path before it copies: base64 of JSON. */
export const pathStatusHeaders = (status: ContainerPathStatus): Readonly<Record<string, string>> => ({
  'X-Docker-Container-Path-Stat': Buffer.from(JSON.stringify(toPathStatus(status))).toString('base64'),
});

const toPathStatus = ({name, bytes, mode, modifiedAt, linkTarget}: ContainerPathStatus) => ({
  name,
  size: bytes,
  mode: toGoMode(mode),
  mtime: modifiedAt.toISOString(),
  linkTarget: linkTarget ?? '',
});

/** Kind and permissions as Go writes them. */
export function toGoMode(mode: number): number {
  const special = SPECIAL_BITS.reduce((sum, [bit, goBit]) => sum + (mode & bit ? goBit : 0), 0);
  return (KIND_BITS.get(mode & KIND_MASK) ?? 0) + special + (mode & 0o777);
}
