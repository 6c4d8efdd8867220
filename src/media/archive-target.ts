import {randomBytes} from 'node:crypto';
import {mkdtemp, readdir, rename, rm} from 'node:fs/promises';
import {basename, dirname, join, resolve} from 'node:path';
import {WinchError} from '../errors.ts';
import type {CallOptions} from '../events.ts';
import {type Durability, syncDirectory} from '../host/atomic-write.ts';
import {storageError} from '../host/storage-error.ts';
import {packFiles} from '../layers/pack.ts';
import {type Digest, isDigest} from '../oci/digest.ts';
import type {ContentDocument, ContentTarget} from './content.ts';
import {DOCKER_MANIFEST_FILE} from './docker-manifest.ts';
import {isForDocker} from './docker-manifest-of.ts';
import {INDEX_FILE, LAYOUT_FILE} from './layout-index.ts';
import type {LayoutName} from './layout-names.ts';
import {openLayoutTarget} from './layout-target.ts';

export interface ArchiveTargetOptions {
  /** For messages. */
  readonly name: string;
  readonly kind: 'oci-archive' | 'docker-archive';
  readonly path: string;
  readonly imageName: LayoutName;
  readonly durability: Durability;
}

/** First what a reader needs first. */
const LEADING_FILES: readonly string[] = [LAYOUT_FILE, INDEX_FILE, DOCKER_MANIFEST_FILE];

/**
 * A new archive in the place of an old one: an OCI layout in a tar, which docker loads as well.
 *
 * It is built beside its place and takes it when it is whole. Every blob is hashed on the way into it.
 */
export async function openArchiveTarget(options: ArchiveTargetOptions): Promise<ContentTarget> {
  const {name, kind, durability, imageName} = options;
  const path = resolve(options.path);
  const staging = await makeStaging(path);
  const layout = openLayoutTarget({
    name,
    directory: staging,
    imageName,
    durability: 'fast',
    locks: null,
    mayLink: true,
  });
  return {
    ...layout,
    isSingleImage: kind === 'docker-archive',
    current: async () => null,
    requireSuitable: (document) => {
      if (kind === 'docker-archive') requireForDocker(document, path);
    },
    finish: async (call) => {
      await layout.finish(call);
      await packInto(path, {staging, durability}, call);
    },
    close: () => rm(staging, {recursive: true, force: true}),
  };
}

async function makeStaging(path: string): Promise<string> {
  try {
    return await mkdtemp(join(dirname(path), `.${basename(path)}.winch-`));
  } catch (error) {
    throw storageError(error, path);
  }
}

interface Packing {
  readonly staging: string;
  readonly durability: Durability;
}

async function packInto(path: string, {staging, durability}: Packing, {signal}: CallOptions): Promise<void> {
  const isDurable = durability === 'full';
  const unnamed = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await packFiles(staging, unnamed, {files: await listFiles(staging), digestOf: digestByPath, isDurable, signal});
    await rename(unnamed, path);
    if (isDurable) await syncDirectory(dirname(path));
  } catch (error) {
    await rm(unnamed, {force: true});
    signal?.throwIfAborted();
    throw storageError(error, path);
  }
}

async function listFiles(directory: string): Promise<readonly string[]> {
  const found = await readdir(directory, {recursive: true, withFileTypes: true});
  const paths = found
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .toSorted();
  return [
    ...LEADING_FILES.filter((name) => paths.includes(name)),
    ...paths.filter((name) => !LEADING_FILES.includes(name)),
  ];
}

function digestByPath(path: string): Digest | null {
  const [, algorithm, hex] = /^blobs\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
  const digest = `${algorithm}:${hex}`;
  return isDigest(digest) ? digest : null;
}

function requireForDocker({document, descriptor}: ContentDocument, path: string): void {
  if (document.kind === 'manifest' && isForDocker(document)) return;
  const fault = document.kind === 'index' ? 'an index of several images' : 'no image of plain or gzip layers';
  throw new WinchError('DOCKER_ARCHIVE_UNSUITABLE', `${path} cannot hold ${descriptor.digest}: it is ${fault}`, {
    kind: 'invalid',
    hint: 'an archive of docker holds single images of tar and gzip layers; write an oci-archive',
  });
}
