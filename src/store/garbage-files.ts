import {existsSync, mkdirSync, renameSync, type Stats, statSync} from 'node:fs';
import {join} from 'node:path';
import {hasErrno} from '../errors.ts';
import {removeTreeSync} from '../host/remove-tree.ts';
import {isDigest} from '../oci/digest.ts';
import type {Needed} from './needed.ts';
import {isLayerTree, type StorePaths} from './paths.ts';
import {namesIn, unlessGone} from './unless-gone.ts';

/** A file or directory of the store that may be garbage. */
export interface Entry {
  readonly path: string;
  /** `staged`: half-written layers, temporary files and what is no part of a store. */
  readonly kind: 'blob' | 'layer' | 'merged' | 'partial' | 'staged' | 'lock';
  /** The digest that it is about, or the lease that it belongs to; empty: neither. */
  readonly owner: string;
}

const STAGED_DIGEST = /^([a-z]+)-(sha\d+)-([0-9a-f]+)/;
const STAGED_BLOB = /^([0-9a-f]{64}|[0-9a-f]{128})\./;
const OF_LEASE = /^lease-([0-9a-f]+)-/;
const DIGEST_LOCK = /^(?:blob|layer)-([0-9a-f]+)\.lock$/;
const SHA256_HEX = 64;

/** Everything that may be garbage, layers first since they are largest. */
export const listEntries = ({layers, merged, blobs, ingest, locks}: StorePaths, needed: Needed): readonly Entry[] => [
  ...listByDigest(layers, 'layer', needed.layers),
  ...listByDigest(merged, 'merged', needed.chains),
  ...listByDigest(blobs, 'blob', needed.blobs),
  ...namesIn(ingest).map((name) => ({path: join(ingest, name), ...ingestEntry(name)})),
  ...namesIn(locks).flatMap((name) => lockEntry(join(locks, name), name)),
];

/**
 * Bytes; null: it is gone. A layer that is extracted as well counts that often: the files are not looked at one by one. What
 * is no part of an image counts as nothing.
 */
export function sizeOf({path, kind}: Entry): number | null {
  if (kind === 'lock' || kind === 'merged') return 0;
  const file = kind === 'layer' || kind === 'staged' ? statOrNull(join(path, 'layer.erofs')) : null;
  if (file === null) return statOrNull(path)?.size ?? null;
  return (1 + namesIn(path).filter(isLayerTree).length) * file.size;
}

export const statOrNull = (path: string): Stats | null =>
  unlessGone(() => statSync(path, {throwIfNoEntry: false}) ?? null, null);

/** Renames all into a new directory, so that they are gone at once; locks are removed. */
export function discardEntries(entries: readonly Entry[], directory: string): void {
  const isMade = entries.some(({kind}) => kind !== 'lock') && tryMakeDirectory(directory);
  for (const [at, {path, kind}] of entries.entries()) {
    if (kind === 'lock' || !isMade) removeTreeSync(path);
    else unlessGone(() => renameOrRemove(path, join(directory, String(at))), undefined);
  }
}

/**
 * Overlayfs renames no directory of a lower layer (a store that came with a container image), and directories of a store
 * may be links to other disks.
 */
function renameOrRemove(path: string, trashed: string): void {
  try {
    renameSync(path, trashed);
  } catch (error) {
    if (!hasErrno(error, 'EXDEV')) throw error;
    removeTreeSync(path);
  }
}

/** A full disk may have no space for a directory, and is the one that needs to get some. */
function tryMakeDirectory(path: string): boolean {
  try {
    mkdirSync(path, {recursive: true, mode: 0o700});
    return true;
  } catch (error) {
    if (hasErrno(error, 'ENOSPC', 'EDQUOT')) return existsSync(path);
    throw error;
  }
}

/** Entries `<algorithm>/<hex>`; what has another name is on its way to one that starts with the digest. */
function listByDigest(
  directory: string,
  kind: 'blob' | 'layer' | 'merged',
  needed: ReadonlySet<unknown>,
): readonly Entry[] {
  return namesIn(directory).flatMap((algorithm) =>
    namesIn(join(directory, algorithm))
      .filter((name) => !needed.has(`${algorithm}:${name}`))
      .map((name) => ({
        path: join(directory, algorithm, name),
        kind: isDigest(`${algorithm}:${name}`) ? kind : 'staged',
        owner: `${algorithm}:${name.split('.', 1)[0]}`,
      })),
  );
}

function ingestEntry(name: string): Pick<Entry, 'kind' | 'owner'> {
  const [, what, algorithm, hex] = STAGED_DIGEST.exec(name) ?? [];
  if (what !== undefined) return {kind: what === 'blob' ? 'partial' : 'staged', owner: `${algorithm}:${hex}`};
  const blob = STAGED_BLOB.exec(name)?.[1];
  return {kind: 'staged', owner: blob === undefined ? (OF_LEASE.exec(name)?.[1] ?? '') : digestOfHex(blob)};
}

function lockEntry(path: string, name: string): readonly Entry[] {
  const hex = DIGEST_LOCK.exec(name)?.[1];
  if (hex === undefined) return [];
  return [{path, kind: 'lock', owner: digestOfHex(hex)}];
}

const digestOfHex = (hex: string): string => `${hex.length === SHA256_HEX ? 'sha256' : 'sha512'}:${hex}`;
