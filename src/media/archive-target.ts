import {lstat, mkdir, readdir, rename, rm} from 'node:fs/promises';
import {basename, dirname, join, resolve} from 'node:path';
import {hasErrno, WinchError} from '../errors.ts';
import type {CallOptions, EventSink} from '../events.ts';
import {type Durability, syncDirectory} from '../host/atomic-write.ts';
import type {LockDirectory} from '../host/locks.ts';
import {storageError} from '../host/storage-error.ts';
import {packFiles} from '../layers/pack.ts';
import {type Digest, digestHex, digestOf, isDigest} from '../oci/digest.ts';
import {INDEX_FILE, LAYOUT_FILE} from '../oci/image-layout.ts';
import type {ContentDocument, ContentTarget} from './content.ts';
import {DOCKER_MANIFEST_FILE} from './docker-manifest.ts';
import {isForDocker} from './docker-manifest-of.ts';
import type {LayoutName} from './layout-names.ts';
import {blobPath} from './layout-source.ts';
import {openLayoutTarget} from './layout-target.ts';

export interface ArchiveTargetOptions {
  /** For messages. */
  readonly name: string;
  readonly kind: 'oci-archive' | 'docker-archive';
  readonly path: string;
  readonly imageName: LayoutName;
  readonly durability: Durability;
  /** Where others that write the same archive are kept away. */
  readonly locks: LockDirectory;
}

/** No more often than a display can follow. */
const EVENT_BYTES = 4 * 1024 * 1024;
/** In the directory in which an archive is built. */
const UNNAMED = '.archive';
/** First what a reader needs first. */
const LEADING_FILES: readonly string[] = [LAYOUT_FILE, INDEX_FILE, DOCKER_MANIFEST_FILE];

/**
 * A new archive in the place of an old one: an OCI layout in a tar, which docker loads as well.
 *
 * It is built beside its place and takes it when it is whole. Every blob is hashed on the way into it. What a killed
 * process left of the same archive is gone on with.
 */
export async function openArchiveTarget(options: ArchiveTargetOptions, {signal}: CallOptions): Promise<ContentTarget> {
  const {name, kind, durability, imageName, locks} = options;
  const path = resolve(options.path);
  const lock = await locks.acquire(`archive-${digestHex(digestOf(Buffer.from(path)))}`, {mode: 'exclusive', signal});
  const staging = await makeStaging(path).catch((error: unknown) => {
    lock.release();
    throw error;
  });
  const layout = openLayoutTarget({
    name,
    directory: staging,
    imageName,
    durability: 'fast',
    isForOciTools: kind === 'oci-archive',
    locks: null,
    mayLink: true,
  });
  const blobs = new Set<Digest>();
  return {
    ...layout,
    isSingleImage: kind === 'docker-archive',
    current: async () => null,
    requireSuitable: (document) => {
      if (kind === 'docker-archive') requireForDocker(document, path);
    },
    putBlob: (descriptor, ...rest) => {
      blobs.add(descriptor.digest);
      return layout.putBlob(descriptor, ...rest);
    },
    putDocument: (document, call) => {
      blobs.add(document.descriptor.digest);
      return layout.putDocument(document, call);
    },
    finish: async (call) => {
      await layout.finish(call);
      await packInto(path, {staging, blobs, durability}, call);
    },
    close: async () => {
      await rm(staging, {recursive: true, force: true});
      lock.release();
    },
  };
}

async function makeStaging(path: string): Promise<string> {
  const staging = join(dirname(path), `.${basename(path)}.winch-partial`);
  try {
    await mkdir(staging, {mode: 0o700});
  } catch (error) {
    if (!hasErrno(error, 'EEXIST'))
      throw hasErrno(error, 'ENOENT', 'ENOTDIR') ? placeMissing(path) : storageError(error, path);
    await requireOwn(staging);
    // Of what was left, only blobs are of use: they are hashed before they are.
    for (const leftover of [...LEADING_FILES, UNNAMED]) await rm(join(staging, leftover), {force: true});
  }
  return staging;
}

/** In a directory that others may write, somebody else may have made it. */
async function requireOwn(staging: string): Promise<void> {
  const stats = await lstat(staging);
  const isOthersToWrite = (stats.mode & 0o022) !== 0;
  if (stats.isDirectory() && stats.uid === process.getuid?.() && !isOthersToWrite) return;
  throw new WinchError('ARCHIVE_PLACE_OCCUPIED', `${staging} is in the way and belongs to somebody else`, {
    kind: 'invalid',
    hint: 'remove it, or choose another place',
  });
}

interface Packing {
  readonly staging: string;
  /** What belongs to the image: a killed process may have left more. */
  readonly blobs: ReadonlySet<Digest>;
  readonly durability: Durability;
}

async function packInto(path: string, packing: Packing, {signal, onEvent}: CallOptions): Promise<void> {
  const {staging, durability} = packing;
  const isDurable = durability === 'full';
  const unnamed = join(staging, UNNAMED);
  try {
    const files = await listFiles(packing);
    await packFiles(staging, unnamed, {
      files,
      expectedDigest: digestByPath,
      isDurable,
      onPacked: tellPacking(path, await sizeOfBlobs(packing), onEvent),
      signal,
    });
    await rename(unnamed, path);
    if (isDurable) await syncDirectory(dirname(path));
  } catch (error) {
    signal?.throwIfAborted();
    throw storageError(error, path);
  }
}

async function sizeOfBlobs({staging, blobs}: Packing): Promise<number> {
  let bytes = 0;
  for (const digest of blobs) bytes += (await lstat(join(staging, blobPath(digest)))).size;
  return bytes;
}

function tellPacking(archive: string, totalBytes: number, onEvent: EventSink | undefined) {
  let told = 0;
  return (packedBytes: number): void => {
    if (packedBytes - told < EVENT_BYTES && packedBytes < totalBytes) return;
    told = packedBytes;
    onEvent?.({type: 'archive:packing', archive, packedBytes, totalBytes});
  };
}

async function listFiles({staging, blobs}: Packing): Promise<readonly string[]> {
  const names = await readdir(staging);
  return [...LEADING_FILES.filter((name) => names.includes(name)), ...[...blobs].map(blobPath).toSorted()];
}

function digestByPath(path: string): Digest | null {
  const [, algorithm, hex] = /^blobs\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
  const digest = `${algorithm}:${hex}`;
  return isDigest(digest) ? digest : null;
}

const placeMissing = (path: string): WinchError =>
  new WinchError('ARCHIVE_PLACE_MISSING', `there is no directory ${dirname(path)}`, {
    kind: 'invalid',
    hint: 'make it first, or choose another place',
  });

/** @throws {WinchError} `DOCKER_ARCHIVE_UNSUITABLE` */
export function requireForDocker({document, descriptor}: ContentDocument, path: string): void {
  if (document.kind === 'manifest' && isForDocker(document)) return;
  const fault = document.kind === 'index' ? 'an index of several images' : 'no image of plain or gzip layers';
  throw new WinchError('DOCKER_ARCHIVE_UNSUITABLE', `${path} cannot hold ${descriptor.digest}: it is ${fault}`, {
    kind: 'invalid',
    hint: 'an archive of docker holds single images of tar and gzip layers; write an oci-archive',
  });
}
