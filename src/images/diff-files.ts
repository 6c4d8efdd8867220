import {createHash} from 'node:crypto';
import {type FileRegion, readRegion} from '../host/file-regions.ts';
import type {ByteString} from '../layers/byte-string.ts';
import type {FileKind, FileNode} from '../layers/file-tree.ts';

/** What a path of an image is. */
export interface FileDetails {
  readonly type: FileKind;
  /** Bytes of content; 0 for anything but a file. */
  readonly size: number;
  /** Permissions with the set-id and sticky bits, as a number (0o755 is 493). */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Of symlinks, as written. */
  readonly linkTarget: string | null;
}

export type FileDifference = 'type' | 'content' | 'mode' | 'owner' | 'target' | 'device' | 'xattrs';

export interface FileChange {
  readonly kind: 'added' | 'changed' | 'removed';
  /** From the root on (`/etc/passwd`); bytes that are no UTF-8 show as U+FFFD. */
  readonly path: string;
  /** Null for what was added. */
  readonly before: FileDetails | null;
  /** Null for what was removed. */
  readonly after: FileDetails | null;
  /** What changed; empty for what was added or removed. */
  readonly differences: readonly FileDifference[];
}

export interface TreePair {
  /** Null for an image without files. */
  readonly before: FileNode | null;
  readonly after: FileNode | null;
}

/**
 * The paths at which two trees differ, in the order of their names. Times alone are no difference: every build sets
 * them. Files of one size are compared by their bytes, since builds for which every time is the same are common.
 */
export async function* diffFiles(
  trees: TreePair,
  {signal}: {readonly signal?: AbortSignal | undefined} = {},
): AsyncGenerator<FileChange> {
  for (const {path, before, after} of pairs('', trees)) {
    signal?.throwIfAborted();
    const isKept = before !== null && after !== null;
    const differences = isKept ? await compare(before, after, signal) : [];
    if (isKept && differences.length === 0) continue;
    yield {
      kind: isKept ? 'changed' : before ? 'removed' : 'added',
      path: textOf(path === '' ? '/' : path),
      before: before && describeFile(before),
      after: after && describeFile(after),
      differences,
    };
  }
}

interface NamedPair extends TreePair {
  readonly path: ByteString;
}

/** What one image has from the other's very layer is one and the same node. */
function* pairs(path: ByteString, {before, after}: TreePair): Generator<NamedPair> {
  if (before === after) return;
  yield {path, before, after};
  const names = new Set([...(before?.entries?.keys() ?? []), ...(after?.entries?.keys() ?? [])]);
  for (const name of [...names].toSorted()) {
    const below = {before: before?.entries?.get(name) ?? null, after: after?.entries?.get(name) ?? null};
    yield* pairs(`${path}/${name}`, below);
  }
}

async function compare(before: FileNode, after: FileNode, signal?: AbortSignal): Promise<readonly FileDifference[]> {
  if (before.kind !== after.kind) return ['type'];
  const differences: readonly (readonly [FileDifference, boolean])[] = [
    ['content', !(await hasSameContent(before, after, signal))],
    ['mode', before.permissions !== after.permissions],
    ['owner', before.uid !== after.uid || before.gid !== after.gid],
    ['target', before.linkTarget !== after.linkTarget],
    ['device', before.device !== after.device],
    ['xattrs', xattrsKey(before) !== xattrsKey(after)],
  ];
  return differences.flatMap(([name, isDifferent]) => (isDifferent ? [name] : []));
}

async function hasSameContent(before: FileNode, after: FileNode, signal?: AbortSignal): Promise<boolean> {
  if (before.size !== after.size) return false;
  const isOneFile = before.layerPath === after.layerPath && before.contentOffset === after.contentOffset;
  if (before.size === 0 || isOneFile) return true;
  const [one, other] = await Promise.all([hashContent(before, signal), hashContent(after, signal)]);
  return one === other;
}

async function hashContent({layerPath, contentOffset, size}: FileNode, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  const region: FileRegion = {path: layerPath, offset: contentOffset, size};
  for await (const chunk of readRegion(region, 0, {signal})) hash.update(chunk);
  return hash.digest('hex');
}

const xattrsKey = ({xattrs}: FileNode): string => JSON.stringify([...(xattrs ?? [])].toSorted());

/** A file as callers see it. */
export const describeFile = ({kind, size, permissions, uid, gid, linkTarget}: FileNode): FileDetails => ({
  type: kind,
  size,
  mode: permissions,
  uid,
  gid,
  linkTarget: linkTarget === null ? null : textOf(linkTarget),
});

/** Most names, for which a Buffer would take twenty times as long. */
const ASCII = /^[\x00-\x7f]*$/;

/** Bytes of a name as text; what is no UTF-8 becomes U+FFFD. */
export const textOf = (bytes: ByteString): string =>
  ASCII.test(bytes) ? bytes : Buffer.from(bytes, 'latin1').toString();
