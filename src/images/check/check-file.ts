import {closeSync, openSync, readFileSync, readSync, type Stats} from 'node:fs';
import {dirname} from 'node:path';
import {hasErrno, isWinchError} from '../../errors.ts';
import {storageError} from '../../host/storage-error.ts';
import {HEAD_BYTES} from '../../layers/erofs-format.ts';
import {isLayerHead} from '../../layers/erofs-superblock.ts';
import type {LayerFault} from '../../layers/layer-pool.ts';
import {digestAlgorithm, digestOf} from '../../oci/digest.ts';
import {MANIFEST_LIMIT_BYTES} from '../../oci/manifest.ts';
import type {ExpectedFile} from '../../store/expected-files.ts';
import {statFile} from '../../store/found-files.ts';
import type {StorePaths} from '../../store/paths.ts';
import type {ImageContext} from '../context.ts';
import type {FindingCode} from './finding.ts';

const FILE_MODE = 0o600;
const MODE_BITS = 0o7777;
const DIRECTORY_MODE = 0o700;
const OTHERS = 0o077;
const OTHERS_WRITE = 0o022;

/** What is wrong with one file. */
export interface FileFault {
  readonly code: FindingCode;
  readonly detail: string;
  /** Absent: the file's own path. */
  readonly path?: string;
  /** Whether for this fault its bytes could not be looked at. */
  readonly isUnread?: boolean;
}

export interface CheckFileOptions {
  /** Whether every byte is read. */
  readonly isDeep: boolean;
  /** Where bytes are counted as they are read. */
  readonly counter?: BigInt64Array | undefined;
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
  const owner = statFile(context.store.paths.root)?.uid;
  const subject = file.kind === 'blob' ? 'BLOB' : 'LAYER';
  const around = file.kind === 'layer' ? checkDirectory(dirname(path), owner) : [];
  const stats = statFile(path);
  if (stats === null) return [...around, {code: `${subject}_MISSING`, detail: 'it is not there'}];
  // What a link leads to is not the store's to change.
  if (!stats.isFile()) return [...around, {code: `${subject}_TYPE`, detail: `it is ${typeName(stats)}`}];
  const faults = [...around, ...checkAccess(stats, subject, owner)];
  if (file.bytes !== null && stats.size !== file.bytes) {
    return [...faults, {code: `${subject}_SIZE`, detail: `it has ${stats.size} bytes instead of ${file.bytes}`}];
  }
  try {
    const check = file.kind === 'blob' ? checkBlob : checkLayer;
    return [...faults, ...(await check(context, {...file, bytes: stats.size}, options))];
  } catch (error) {
    // Its owner may not read it, which is a fault of its own; once that is repaired it is read.
    if (isWinchError(error, 'STORE_DENIED') && faults.length > 0)
      return faults.map((fault) => ({...fault, isUnread: true}));
    if (!isWinchError(error, 'STORE_IO')) throw error;
    return [...faults, {code: `${subject}_UNREADABLE`, detail: 'the disk fails to read it'}];
  }
}

/** Whether others than the owner of the store may use a directory. */
export function checkDirectory(path: string, owner: number | undefined): readonly FileFault[] {
  const stats = statFile(path);
  if (!stats?.isDirectory()) return [];
  if (stats.uid !== (owner ?? stats.uid)) return [{code: 'DIRECTORY_OWNER', detail: ownerText(stats, owner), path}];
  if ((stats.mode & OTHERS) === 0 && (stats.mode & DIRECTORY_MODE) === DIRECTORY_MODE) return [];
  return [{code: 'DIRECTORY_MODE', detail: `its mode is ${modeText(stats)} instead of 0700`, path}];
}

/** SQLite makes the database as the umask says, in a directory of its owner's own. */
export function checkDatabaseFile(path: string, owner: number | undefined): readonly FileFault[] {
  const stats = statFile(path);
  if (!stats?.isFile()) return [];
  if (stats.uid !== (owner ?? stats.uid)) return [{code: 'DATABASE_OWNER', detail: ownerText(stats, owner)}];
  if ((stats.mode & OTHERS_WRITE) === 0 && (stats.mode & FILE_MODE) === FILE_MODE) return [];
  return [{code: 'DATABASE_MODE', detail: `its mode is ${modeText(stats)} instead of 0600`}];
}

function checkAccess(stats: Stats, subject: 'BLOB' | 'LAYER', owner: number | undefined): readonly FileFault[] {
  if (stats.uid !== (owner ?? stats.uid)) return [{code: `${subject}_OWNER`, detail: ownerText(stats, owner)}];
  if ((stats.mode & MODE_BITS) === FILE_MODE) return [];
  return [{code: `${subject}_MODE`, detail: `its mode is ${modeText(stats)} instead of 0600`}];
}

const ownerText = ({uid}: Stats, owner: number | undefined) => `its owner is ${uid} instead of ${owner}`;
const modeText = ({mode}: Stats) => (mode & MODE_BITS).toString(8).padStart(4, '0');

function typeName(stats: Stats): string {
  if (stats.isDirectory()) return 'a directory';
  if (stats.isSymbolicLink()) return 'a link';
  return stats.isFIFO() ? 'a pipe' : 'a device';
}

/** A file that is as long as it should be. */
interface SizedFile extends ExpectedFile {
  readonly bytes: number;
}

async function checkBlob(
  {store, layerPool}: ImageContext,
  {digest, bytes, isDocument}: SizedFile,
  {isDeep, counter, signal}: CheckFileOptions,
): Promise<readonly FileFault[]> {
  const path = store.paths.blob(digest);
  const algorithm = digestAlgorithm(digest);
  const isSmall = isDocument && bytes <= MANIFEST_LIMIT_BYTES;
  if (!isDeep && !isSmall) return [];
  const found = await reading(path, async () =>
    // A thread would take longer to ask than to answer.
    isSmall ? digestOf(readFileSync(path), algorithm) : (await layerPool()).hash({path, algorithm, counter}, {signal}),
  );
  return found === digest ? [] : [{code: 'BLOB_CONTENT', detail: `its bytes have the digest ${found}`}];
}

const LAYER_FAULTS: Readonly<Record<LayerFault, FileFault>> = {
  head: {code: 'LAYER_HEAD', detail: 'its head is not the one of its index'},
  tar: {code: 'LAYER_TAR', detail: 'its tar has another digest'},
  index: {code: 'LAYER_INDEX', detail: 'its index is not the one of its tar'},
  size: {code: 'LAYER_SIZE', detail: 'its length is not the one of its index'},
};

async function checkLayer(
  context: ImageContext,
  file: SizedFile,
  options: CheckFileOptions,
): Promise<readonly FileFault[]> {
  const path = context.store.paths.layer(file.digest);
  const fault = await reading(path, () =>
    options.isDeep ? findFault(context, file, options) : findHeadFault(path, file),
  );
  return fault === null ? [] : [LAYER_FAULTS[fault]];
}

/** The tar is hashed and the index made again at the same time, since each takes about as long. */
async function findFault(
  {store, layerPool}: ImageContext,
  {digest: diffId, bytes, tarBytes}: SizedFile,
  {counter, signal}: CheckFileOptions,
): Promise<LayerFault | null> {
  const path = store.paths.layer(diffId);
  const pool = await layerPool();
  const tar = {path, offset: HEAD_BYTES, bytes: tarBytes, algorithm: digestAlgorithm(diffId), counter};
  const [verified, found] = await Promise.all([
    pool.verify({path, diffId, tarBytes, fileBytes: bytes}, {signal}),
    pool.hash(tar, {signal}),
  ]);
  return found === diffId ? verified.fault : 'tar';
}

async function findHeadFault(path: string, {digest: diffId, bytes}: SizedFile): Promise<LayerFault | null> {
  const file = openSync(path, 'r');
  try {
    const head = Buffer.alloc(HEAD_BYTES);
    readSync(file, head, 0, HEAD_BYTES, 0);
    return isLayerHead(head, {diffId, fileBytes: bytes}) ? null : 'head';
  } finally {
    closeSync(file);
  }
}

async function reading<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw hasErrno(error, 'ENOENT') ? error : storageError(error, path);
  }
}
