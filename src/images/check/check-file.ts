import type {Stats} from 'node:fs';
import {open} from 'node:fs/promises';
import {hasErrno} from '../../errors.ts';
import {storageError} from '../../host/storage-error.ts';
import {HEAD_BYTES} from '../../layers/erofs-format.ts';
import {isLayerHead} from '../../layers/erofs-superblock.ts';
import type {LayerFault} from '../../layers/layer-pool.ts';
import {type Digest, digestAlgorithm} from '../../oci/digest.ts';
import type {ExpectedFile} from '../../store/expected-files.ts';
import {statFile} from '../../store/found-files.ts';
import {hashFile} from '../../store/hash-file.ts';
import type {StorePaths} from '../../store/paths.ts';
import type {ImageContext} from '../context.ts';
import type {FindingKind} from './finding.ts';

const FILE_MODE = 0o600;
const MODE_BITS = 0o777;

/** What is wrong with one file. */
export interface FileFault {
  readonly kind: Exclude<FindingKind, 'extra'>;
  readonly detail: string;
}

export interface CheckFileOptions {
  /** Whether every byte is read. */
  readonly isDeep: boolean;
  readonly signal?: AbortSignal | undefined;
}

export const pathOf = (paths: StorePaths, {kind, digest}: Pick<ExpectedFile, 'kind' | 'digest'>): string =>
  kind === 'blob' ? paths.blob(digest) : paths.layer(digest);

/** Holds one file against what the graph says of it. @returns every fault; none: it is as it should be */
export async function checkFile(
  context: ImageContext,
  file: ExpectedFile,
  options: CheckFileOptions,
): Promise<readonly FileFault[]> {
  const path = pathOf(context.store.paths, file);
  const stats = statFile(path);
  if (stats === null) return [{kind: 'missing', detail: 'it is not there'}];
  // What a link leads to is not the store's to change.
  if (!stats.isFile()) return [{kind: 'content', detail: 'it is no regular file'}];
  const faults = checkOwner(stats, statFile(context.store.paths.root)?.uid ?? stats.uid);
  if (file.bytes !== null && stats.size !== file.bytes) {
    return [...faults, {kind: 'size', detail: `it has ${stats.size} bytes instead of ${file.bytes}`}];
  }
  const detail =
    file.kind === 'blob' ? await checkBlob(path, file.digest, options) : await checkLayer(context, file, options);
  return detail === null ? faults : [...faults, {kind: 'content', detail}];
}

function checkOwner({mode, uid}: Stats, owner: number): readonly FileFault[] {
  const found = (mode & MODE_BITS).toString(8).padStart(4, '0');
  if (uid !== owner) return [{kind: 'mode', detail: `its owner is ${uid} instead of ${owner}`}];
  if ((mode & MODE_BITS) !== FILE_MODE) return [{kind: 'mode', detail: `its mode is ${found} instead of 0600`}];
  return [];
}

async function checkBlob(path: string, digest: Digest, {isDeep, signal}: CheckFileOptions): Promise<string | null> {
  if (!isDeep) return null;
  const found = await hashFile(path, digestAlgorithm(digest), signal);
  return found === digest ? null : `its bytes have the digest ${found}`;
}

const WORD_OF_FAULT: Readonly<Record<LayerFault, string>> = {
  head: 'its head is not the one of its index',
  tar: 'its tar has another digest',
  index: 'its index is not the one of its tar',
  size: 'its length is not the one of its index',
};

async function checkLayer(
  {store, layerPool}: ImageContext,
  {digest: diffId, bytes, tarBytes}: ExpectedFile,
  {isDeep, signal}: CheckFileOptions,
): Promise<string | null> {
  const path = store.paths.layer(diffId);
  const fileBytes = bytes ?? 0;
  if (!isDeep) return isLayerHead(await readHead(path), {diffId, fileBytes}) ? null : WORD_OF_FAULT.head;
  try {
    const fault = await (await layerPool()).verify({path, diffId, tarBytes, fileBytes}, {signal});
    return fault === null ? null : WORD_OF_FAULT[fault];
  } catch (error) {
    throw hasErrno(error, 'ENOENT') ? error : storageError(error, path);
  }
}

async function readHead(path: string): Promise<Buffer> {
  try {
    await using file = await open(path, 'r');
    const head = Buffer.alloc(HEAD_BYTES);
    await file.read(head, 0, HEAD_BYTES, 0);
    return head;
  } catch (error) {
    throw storageError(error, path);
  }
}
