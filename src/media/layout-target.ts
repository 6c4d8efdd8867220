import {existsSync} from 'node:fs';
import {realpath, rm, rmdir} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {hasErrno, WinchError} from '../errors.ts';
import type {CallOptions} from '../events.ts';
import type {Durability} from '../host/atomic-write.ts';
import type {Lock, LockDirectory} from '../host/locks.ts';
import {storageError} from '../host/storage-error.ts';
import type {Descriptor} from '../oci/descriptor.ts';
import {type Digest, digestAlgorithm, digestHex, digestOf} from '../oci/digest.ts';
import {INDEX_FILE, LAYOUT_FILE, LAYOUT_TEXT} from '../oci/image-layout.ts';
import {DOCKER_MANIFEST, DOCKER_MANIFEST_LIST} from '../oci/media-types.ts';
import {storePaths} from '../store/paths.ts';
import {writeBlobFile} from './blob-file.ts';
import type {ContentDocument, ContentSource, ContentTarget, PutOutcome} from './content.ts';
import {DOCKER_MANIFEST_FILE} from './docker-manifest.ts';
import {describeForDocker} from './docker-manifest-of.ts';
import {openDirectoryFiles, readSmallFile} from './file-set.ts';
import {below, hasBlobFile, hasFile, linkFile, makeDirectory, writeSmallFile} from './layout-files.ts';
import {INDEX_LIMIT_BYTES, nameOf, readLayoutIndex} from './layout-index.ts';
import {type LayoutName, listInIndex, nameInIndex} from './layout-names.ts';
import {blobPath, readSubjects} from './layout-source.ts';
import {findWholeImage} from './whole-image.ts';

export interface LayoutTargetOptions {
  /** For messages. */
  readonly name: string;
  readonly directory: string;
  readonly imageName: LayoutName;
  readonly durability: Durability;
  /** Where others that write the same layout are kept away; null: nobody else knows it. */
  readonly locks: LockDirectory | null;
  /** Whether blobs may be second names of the source's files, which nobody may then write. */
  readonly mayLink: boolean;
  /** Whether tools that look for OCI's media types alone are to read it. */
  readonly isForOciTools: boolean;
}

/** No more often than a display can follow. */
const EVENT_BYTES = 262_144;
/** Below the layout, for blobs that are not whole yet. */
const PARTIALS = '.winch-partial';
const PRESENT: PutOutcome = Object.freeze({outcome: 'present', sentBytes: 0});

/**
 * An OCI layout, new or not; what else it holds stays.
 *
 * @throws {WinchError} `LAYOUT_UNUSABLE`: the directory is a store
 * @see image-spec v1.1.1 image-layout.md
 */
export function openLayoutTarget(options: LayoutTargetOptions): ContentTarget {
  const {name, directory} = options;
  refuseStore(directory);
  const files = openDirectoryFiles(directory);
  return {
    name,
    isSingleImage: false,
    requireSuitable: () => {},
    current: (call) => findWholeImage(files, options.imageName, call),
    hasBlob: ({digest, size}) => hasFile(below(directory, blobPath(digest)), size),
    putBlob: (descriptor, from, call) => putBlob(options, {descriptor, from}, call),
    putDocument: async (document, {role, ...call}) => {
      const outcome = await putDocument(options, document, call);
      if (role === 'root' && options.isForOciTools) warnOfDockerTypes(document, call);
      if (role !== 'member') await changeIndex(options, {document, isRoot: role === 'root'}, call);
      return outcome;
    },
    finish: async (call) => {
      await locked(options, call, () => writeDockerManifest(options, call));
      await removeEmpty(join(directory, PARTIALS));
    },
    close: async () => {},
  };
}

/** A store tells others what it holds in the same files, and writes over what they say. */
function refuseStore(directory: string): void {
  if (!existsSync(storePaths(directory).database)) return;
  throw new WinchError('LAYOUT_UNUSABLE', `${directory} is a store, whose layout is for reading alone`, {
    kind: 'invalid',
    hint: 'copy or load into the store itself, or name another directory',
  });
}

/** Tools of containers/image and umoci look for OCI's media types alone in a layout. */
export function warnOfDockerTypes({descriptor: {mediaType}}: ContentDocument, {onEvent}: CallOptions): void {
  if (mediaType !== DOCKER_MANIFEST && mediaType !== DOCKER_MANIFEST_LIST) return;
  const message = "the image has docker's media types, by which skopeo and umoci do not find it in an OCI layout";
  onEvent?.({type: 'warning:raised', code: 'LAYOUT_DOCKER_TYPES', message});
}

interface BlobCopy {
  readonly descriptor: Descriptor;
  readonly from: ContentSource;
}

async function putBlob(
  options: LayoutTargetOptions,
  {descriptor, from}: BlobCopy,
  {onEvent, signal, foreign}: CallOptions & {readonly foreign?: boolean | undefined},
): Promise<PutOutcome> {
  const {directory, durability, mayLink} = options;
  const {digest, size} = descriptor;
  const path = below(directory, blobPath(digest));
  using _lock = await lockFor(options, digest, signal);
  const finish = (outcome: PutOutcome['outcome'], sentBytes: number): PutOutcome => {
    onEvent?.({type: 'upload:finished', digest, size, outcome});
    return {outcome, sentBytes};
  };
  if (await hasBlobFile(path, descriptor)) return finish('present', 0);
  await makeDirectory(dirname(path));
  const existing = mayLink ? from.blobFile(digest) : null;
  if (existing !== null && (await linkFile(existing, path))) return finish('uploaded', size);
  onEvent?.({type: 'upload:started', digest, totalBytes: size});
  let told = 0;
  const onWritten = (sentBytes: number) => {
    if (sentBytes - told < EVENT_BYTES && sentBytes < size) return;
    told = sentBytes;
    onEvent?.({type: 'upload:sent', digest, sentBytes, totalBytes: size});
  };
  const onResumed = (offset: number) => onEvent?.({type: 'blob:resumed', digest, offset, totalBytes: size});
  const place = {path, partial: join(directory, PARTIALS, `${digestAlgorithm(digest)}-${digestHex(digest)}`)};
  const blob = {descriptor, source: from.blob(descriptor, {foreign}), onResumed, onWritten};
  return finish('uploaded', await writeBlobFile(place, blob, {durability, signal}));
}

async function putDocument(
  {directory, durability}: LayoutTargetOptions,
  {descriptor, bytes}: ContentDocument,
  {signal}: CallOptions,
): Promise<PutOutcome> {
  const path = below(directory, blobPath(descriptor.digest));
  if (await hasBlobFile(path, descriptor)) return PRESENT;
  await makeDirectory(dirname(path));
  await writeSmallFile(path, bytes, {durability, signal});
  return {outcome: 'uploaded', sentBytes: bytes.length};
}

interface IndexChange {
  readonly document: ContentDocument;
  readonly isRoot: boolean;
}

async function changeIndex(options: LayoutTargetOptions, {document, isRoot}: IndexChange, call: CallOptions) {
  const {directory, durability, imageName: name} = options;
  const files = openDirectoryFiles(directory);
  const {digest, size, mediaType, platform, artifactType} = document.descriptor;
  const entry = {mediaType, digest, size, ...(platform && {platform}), ...(artifactType && {artifactType})};
  await locked(options, call, async () => {
    const index = await readLayoutIndex(files, call.signal);
    const before = await readSmallFile(files, {path: INDEX_FILE, limitBytes: INDEX_LIMIT_BYTES, signal: call.signal});
    const referrers = index ? [...(await readSubjects(files, index, call)).values()].flat() : [];
    const isReferrer = (other: Digest) => referrers.some((one) => one.digest === other);
    const replaces = (other: Descriptor) =>
      other.digest === digest && nameOf(other) === undefined
        ? true
        : (nameOf(other) ?? null) === name.name && !(name.name === null && isReferrer(other.digest));
    const bytes = isRoot ? nameInIndex(before, entry, {name, replaces}) : listInIndex(before, entry);
    await writeSmallFile(below(directory, LAYOUT_FILE), Buffer.from(LAYOUT_TEXT), {durability});
    await writeSmallFile(below(directory, INDEX_FILE), bytes, {durability});
  });
}

async function writeDockerManifest({directory, durability}: LayoutTargetOptions, call: CallOptions): Promise<void> {
  const files = openDirectoryFiles(directory);
  const index = await readLayoutIndex(files, call.signal);
  const bytes = index && (await describeForDocker(files, index, call));
  const path = below(directory, DOCKER_MANIFEST_FILE);
  if (bytes) await writeSmallFile(path, bytes, {durability});
  else await rm(path, {force: true});
}

/** One writer at a time of what is read, changed and written. */
async function locked<T>(options: LayoutTargetOptions, {signal}: CallOptions, work: () => Promise<T>) {
  using _lock = await lockFor(options, 'index', signal);
  return await work();
}

async function lockFor(
  {locks, directory}: LayoutTargetOptions,
  subject: Digest | 'index',
  signal: AbortSignal | undefined,
): Promise<Lock | null> {
  if (locks === null) return null;
  await makeDirectory(directory);
  const key = digestHex(digestOf(Buffer.from(`${subject}\0${await realpath(directory)}`)));
  return await locks.acquire(`layout-${key}`, {mode: 'exclusive', signal});
}

/** Another copy may still gather blobs there. */
async function removeEmpty(directory: string): Promise<void> {
  try {
    await rmdir(directory);
  } catch (error) {
    if (!hasErrno(error, 'ENOENT', 'ENOTEMPTY', 'EEXIST', 'ENOTDIR')) throw storageError(error, directory);
  }
}
