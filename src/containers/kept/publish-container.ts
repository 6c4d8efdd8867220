import {mkdirSync, renameSync} from 'node:fs';
import {basename, join} from 'node:path';
import {isWinchError, WinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import {ensureDirectory, syncDirectory} from '../../host/atomic-write.ts';
import {fillDirectory} from '../../host/fill-directory.ts';
import {removeTreeSync} from '../../host/remove-tree.ts';
import {storageError} from '../../host/storage-error.ts';
import {imageNote} from '../../images/images-in-use.ts';
import {type Digest, digestHex} from '../../oci/digest.ts';
import {findImagesById} from '../../store/image-records.ts';
import {VOLUMES_FILE} from '../../store/volume-uses.ts';
import type {ContainerContext} from '../context.ts';
import {mountedImagesOf} from '../mounted-images.ts';
import {lockNames, requireNoRunOf, requireNotKept} from '../names.ts';
import {randomName} from '../random-name.ts';
import {recordContainerEvents} from '../record-events.ts';
import {volumesOf} from '../volumes/mounted-volumes.ts';
import {keptPlaces, lockContainer, PASSING, placesOf} from './places.ts';
import type {KeptRecord} from './record.ts';

interface NewContainer {
  readonly record: KeptRecord;
  /** Whether somebody insists on its name; otherwise it gets another one where that is taken. */
  readonly isNamed: boolean;
}

/**
 * Makes a container be there, as a whole or not at all.
 *
 * @throws {WinchError} `NAME_IN_USE` | `IMAGE_UNKNOWN` | of the store
 */
export async function publishContainer(
  context: ContainerContext,
  {record, isNamed}: NewContainer,
  options: CallOptions,
): Promise<void> {
  const {kept} = context.store.paths;
  const staged = join(kept, `${PASSING}new-${record.id}`);
  try {
    await ensureDirectory(kept, context.store.durability);
    using _lock = await lockContainer(context, record.id, options.signal);
    try {
      makeDirectories(staged);
      options.signal?.throwIfAborted();
      const published = await publishNamed(context, {record, staged, isNamed}, options);
      recordContainerEvents(context, published, [{action: 'create'}]);
    } catch (error) {
      removeTreeSync(staged);
      throw error;
    }
  } catch (error) {
    throw storageError(error, staged);
  }
}

function makeDirectories(staged: string): void {
  const places = keptPlaces(staged);
  for (const path of [staged, places.writable, places.starts]) mkdirSync(path, {mode: 0o700});
}

/** What of a container goes by its name is written with all the rest: both are durable in one step. */
function filesOf(record: KeptRecord, current: KeptRecord): Record<string, string> {
  const volumes = volumesOf(record.container);
  const places = keptPlaces('');
  return {
    ...(volumes.length > 0 && {[VOLUMES_FILE]: `${volumes.join('\n')}\n`}),
    [basename(places.record)]: `${JSON.stringify(record, null, 2)}\n`,
    [basename(places.note)]: imageNote({...current, mountedIds: mountedImagesOf(record.container)}),
  };
}

interface Publication {
  readonly record: KeptRecord;
  readonly staged: string;
}

interface NamedPublication extends Publication {
  /** Whether somebody insists on its name. */
  readonly isNamed: boolean;
}

async function publishNamed(
  context: ContainerContext,
  {record, staged, isNamed}: NamedPublication,
  options: CallOptions,
): Promise<KeptRecord> {
  const {durability} = context.store;
  for (let [current, attempt] = [record, 1]; ; current = {...record, name: randomName(attempt)}, attempt += 1) {
    await fillDirectory(staged, filesOf(record, current), {durability, mode: 0o600});
    try {
      await publish(context, {record: current, staged}, options);
      return current;
    } catch (error) {
      if (isNamed || !isWinchError(error, 'NAME_IN_USE')) throw error;
    }
  }
}

/** In a transaction of the graph, which keeps others from removing the image, or from taking the name, meanwhile. */
async function publish(context: ContainerContext, {record, staged}: Publication, options: CallOptions): Promise<void> {
  const {store} = context;
  const {id, name, imageId} = record;
  const imageIds = [imageId, ...mountedImagesOf(record.container)];
  using _names = name === null ? null : await lockNames(context, options);
  if (name !== null) await requireNoRunOf(context, {id, name});
  await store.write((database) => {
    if (name !== null) requireNotKept(context, name);
    const gone = imageIds.find((other) => findImagesById(database, digestHex(other as Digest)).length === 0);
    if (gone !== undefined) throw removedMeanwhile(gone === imageId ? record.image : gone);
    renameSync(staged, placesOf(context, id).directory);
  });
  if (store.durability === 'full') await syncDirectory(store.paths.kept);
}

const removedMeanwhile = (image: string): WinchError =>
  new WinchError('IMAGE_UNKNOWN', `image ${image} was removed meanwhile`, {kind: 'not-found', hint: 'pull it again'});
