import {renameSync, rmSync} from 'node:fs';
import type {CallOptions} from '../../events.ts';
import {syncDirectory, writeFileAtomic} from '../../host/atomic-write.ts';
import {storageError} from '../../host/storage-error.ts';
import {imageNote} from '../../images/images-in-use.ts';
import type {ContainerContext} from '../context.ts';
import {mountedImagesOf} from '../mounted-images.ts';
import {lockNames, requireNoRunOf, requireNotKept, requireValidName} from '../names.ts';
import {isConnected} from '../networks/take-network.ts';
import {recordContainerEvents} from '../record-events.ts';
import {requireContainer, unknownContainer} from './find-container.ts';
import {lockContainer, placesOf, volatileDirectory} from './places.ts';
import {findRecord, type KeptRecord} from './record.ts';

/**
 * Gives a container another name, at once or not at all; it may run meanwhile.
 *
 * @returns its id.
 * @throws {WinchError} `CONTAINER_UNKNOWN` | `CONTAINER_AMBIGUOUS` | `NAME_INVALID` | `NAME_IN_USE`
 */
export async function renameContainer(
  context: ContainerContext,
  text: string,
  name: string,
  {signal}: CallOptions = {},
): Promise<string> {
  requireValidName(name);
  const {id} = requireContainer(context, text);
  using _lock = await lockContainer(context, id, signal);
  const record = findRecord(context, id);
  if (!record) throw unknownContainer(text);
  using _names = await lockNames(context, {signal});
  if (record.name === name) return id;
  await takeNewName(context, record, name);
  const attributes = {oldName: `/${record.name ?? ''}`};
  recordContainerEvents(context, {...record, name}, [{action: 'rename', attributes}]);
  if (!isConnected(volatileDirectory(context, id))) return id;
  const {renameMember} = await import('../networks/rename-member.ts');
  await renameMember(context, {directory: volatileDirectory(context, id), name});
  return id;
}

/** In a transaction of the graph, as a new container takes its name. */
async function takeNewName(context: ContainerContext, record: KeptRecord, name: string): Promise<void> {
  const {id, imageId} = record;
  const {store} = context;
  const {directory, note} = placesOf(context, id);
  const staged = `${note}.new`;
  await requireNoRunOf(context, {id, name});
  try {
    const {durability} = store;
    const changed = imageNote({imageId, name, mountedIds: mountedImagesOf(record.container)});
    await writeFileAtomic(staged, Buffer.from(changed), {durability, mode: 0o600});
    await store.write(() => {
      requireNotKept(context, name);
      renameSync(staged, note);
    });
    if (durability === 'full') await syncDirectory(directory);
  } catch (error) {
    rmSync(staged, {force: true});
    throw storageError(error, directory);
  }
}
