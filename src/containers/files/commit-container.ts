import {createWriteStream} from 'node:fs';
import {rm} from 'node:fs/promises';
import {join} from 'node:path';
import {pipeline} from 'node:stream/promises';
import type {ContainerOptions} from '../../bundle/container-options.ts';
import {mergeEnvironment} from '../../bundle/environment.ts';
import type {CallOptions} from '../../events.ts';
import {ensureDirectory} from '../../host/atomic-write.ts';
import {storageError} from '../../host/storage-error.ts';
import {deriveImage} from '../../images/archives/derive-image.ts';
import {applyChanges} from '../../images/archives/image-changes.ts';
import {requireStoredImage} from '../../images/find-image.ts';
import {claimImage} from '../../images/hold-lease.ts';
import {recordImageEvents} from '../../images/record-image-event.ts';
import type {ContainerConfig} from '../../oci/container-config.ts';
import {createDigester, type Digest} from '../../oci/digest.ts';
import {CONFIG_LIMIT_BYTES, parseImageConfig} from '../../oci/image-config.ts';
import {familiarReference, parseReference} from '../../oci/reference.ts';
import type {ContainerContext} from '../context.ts';
import {volatileParent} from '../directories.ts';
import {findByText, unknownContainer} from '../kept/find-container.ts';
import {isPaused} from '../kept/is-paused.ts';
import {findRun} from '../kept/one-shot-runs.ts';
import {hasOwnCgroup} from '../kept/own-cgroup.ts';
import {endDeadPause, whileItPauses} from '../kept/passing-pause.ts';
import {volatileDirectory} from '../kept/places.ts';
import {readState} from '../kept/read-state.ts';
import {type KeptRecord, listRecords} from '../kept/record.ts';
import {recordContainerEvents} from '../record-events.ts';
import {writeChangesTar} from './changes-tar.ts';
import {findChanges} from './list-changes.ts';
import {type OpenedUpper, openUpper} from './open-upper.ts';

export interface CommitOptions extends CallOptions {
  /** The name of the image; absent: none. A tag that names another image is moved. */
  readonly reference?: string | undefined;
  /** Instructions of a Dockerfile, in their order: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, USER, VOLUME, WORKDIR … */
  readonly changes?: readonly string[] | undefined;
  readonly message?: string | undefined;
  readonly author?: string | undefined;
  /** Stops a container that runs while its files are read; default true. */
  readonly pauses?: boolean | undefined;
}

export interface CommittedImage {
  readonly imageId: string;
  readonly manifestDigest: string;
  /** Of the new layer, which is a plain tar. */
  readonly layerDigest: string;
}

/**
 * Makes an image of what a container has written, as a layer over its own image, with the settings that it was made
 * with: command, environment, user, working directory, labels and stop signal. Volumes are no part of it.
 *
 * @throws {WinchError} `CONTAINER_UNKNOWN` | `CONTAINER_AMBIGUOUS` | `CHANGE_INVALID` | `REFERENCE_INVALID` |
 * `WRITES_UNKNOWN` | `WRITES_UNREADABLE` | of the store
 */
export async function commitContainer(
  context: ContainerContext,
  text: string,
  {reference, changes = [], message, author, pauses = true, ...options}: CommitOptions = {},
): Promise<CommittedImage> {
  if (reference !== undefined) parseReference(reference);
  const record = await requireCommittable(context, text);
  using upper = await openUpper(context, record.id);
  const {store} = context;
  using lease = await store.lease(options.signal);
  const {image: base} = await claimImage({store, lease}, () => requireStoredImage(store, upper.imageId));
  const where = `config of ${record.image}`;
  const {config} = parseImageConfig(store.blobs.read(base.configDigest, CONFIG_LIMIT_BYTES), {where});
  const changed = applyChanges(withSettings(config, record), changes);
  const path = lease.temporaryPath();
  try {
    const write = () => writeLayer(context, {upper, path}, options);
    const {diffId, size} = await (pauses ? whilePaused(context, {record, write}, options) : write());
    const layer = {diffId, region: {path, offset: 0, size}};
    const createdBy = record.command.join(' ');
    const derivation = {base, layer, config: changed, reference, createdBy, message, author};
    const {imageId, manifestDigest} = await deriveImage({...context, lease}, derivation, options);
    tell(context, record, {imageId, reference, message});
    return {imageId, manifestDigest, layerDigest: diffId};
  } catch (error) {
    throw storageError(error, path);
  } finally {
    await rm(path, {force: true});
  }
}

interface Committed extends Pick<CommittedImage, 'imageId'>, Pick<CommitOptions, 'reference' | 'message'> {}

function tell(context: ContainerContext, record: Committable, {imageId, reference, message = ''}: Committed): void {
  const name = reference === undefined ? '' : familiarReference(parseReference(reference));
  if (name !== '') recordImageEvents(context, [{action: 'tag', id: imageId, name}]);
  const attributes = {comment: message, imageID: imageId, imageRef: name};
  recordContainerEvents(context, record, [{action: 'commit', attributes}]);
}

/** A container, kept or of a run that goes on. */
interface Committable extends Pick<KeptRecord, 'id' | 'name' | 'image' | 'command' | 'container' | 'labels'> {
  /** In memory. */
  readonly directory: string;
  isRunning(): Promise<boolean>;
}

async function requireCommittable(context: ContainerContext, text: string): Promise<Committable> {
  const record = findByText(listRecords(context), text);
  if (record) {
    const directory = volatileDirectory(context, record.id);
    return {...record, directory, isRunning: async () => (await readState(context, record)).state === 'running'};
  }
  const run = await findRun(context, text);
  const directory = join(volatileParent(context), run?.id ?? '');
  if (run) return {...run, image: run.imageId ?? '', directory, isRunning: async () => true};
  throw unknownContainer(text);
}

interface Writing<T> {
  readonly record: Committable;
  readonly write: () => Promise<T>;
}

async function whilePaused<T>(
  context: ContainerContext,
  {record, write}: Writing<T>,
  {onEvent}: CallOptions,
): Promise<T> {
  if (!(await record.isRunning())) return await write();
  await endDeadPause(context, record);
  if (isPaused(record)) return await write();
  if (!hasOwnCgroup(record)) {
    const message = 'a container without a cgroup of its own cannot be paused: what it writes meanwhile may be in part';
    onEvent?.({type: 'warning:raised', code: 'CGROUP_MISSING', message});
    return await write();
  }
  return await whileItPauses(context, record.id, write);
}

function withSettings(config: ContainerConfig, {container, labels}: Committable): ContainerConfig {
  const {environment, command, entrypoint, workingDirectory, user, stopSignal}: ContainerOptions = container;
  return {
    ...config,
    ...(environment && {Env: mergeEnvironment([...(config.Env ?? []), ...environment])}),
    ...(entrypoint && {Entrypoint: entrypoint, Cmd: []}),
    ...(command && command.length > 0 && {Cmd: command}),
    ...(workingDirectory !== undefined && {WorkingDir: workingDirectory}),
    ...(user !== undefined && {User: user}),
    ...(stopSignal !== undefined && {StopSignal: stopSignal}),
    ...(Object.keys(labels).length > 0 && {Labels: labels}),
  };
}

interface NewLayer {
  readonly upper: OpenedUpper;
  readonly path: string;
}

async function writeLayer(
  context: ContainerContext,
  {upper, path}: NewLayer,
  options: CallOptions,
): Promise<{readonly diffId: Digest; readonly size: number}> {
  const {signal} = options;
  await ensureDirectory(context.store.paths.ingest, 'fast');
  const changes = upper.isWhole ? await findChanges(context, upper, options) : null;
  const digester = createDigester();
  let size = 0;
  const tar = async function* () {
    for await (const piece of writeChangesTar(upper, changes, signal)) {
      digester.update(piece);
      size += piece.length;
      yield piece;
    }
  };
  await pipeline(tar, createWriteStream(path, {flags: 'wx', mode: 0o600}), {signal});
  return {diffId: digester.digest(), size};
}
