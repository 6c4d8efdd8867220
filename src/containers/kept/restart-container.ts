import type {CallOptions} from '../../events.ts';
import {isRoot} from '../../host/account.ts';
import type {ContainerContext} from '../context.ts';
import {recordContainerEvents} from '../record-events.ts';
import {requireContainer, unknownContainer} from './find-container.ts';
import {lockContainer} from './places.ts';
import {readState} from './read-state.ts';
import {findRecord} from './record.ts';
import {findNetworkOwner} from './start-as-root.ts';
import {type StartSettings, startLocked} from './start-container.ts';
import {type StopOptions, stopContainer} from './stop-container.ts';

/**
 * Ends a container if it runs, as `stopContainer` does, and starts it. Nobody else starts or removes it in between, and
 * so one that goes when it ends stays.
 *
 * @returns its id.
 * @throws {WinchError} as `stopContainer` and `startContainer`
 */
export async function restartContainer(
  context: ContainerContext,
  text: string,
  {timeoutSeconds, ...options}: CallOptions & StopOptions & StartSettings,
): Promise<string> {
  const {id} = requireContainer(context, text);
  if (!isRoot()) return await restartAsRoot(context, id, {timeoutSeconds, ...options});
  using _lock = await lockContainer(context, id, options.signal);
  const record = findRecord(context, id);
  if (!record) throw unknownContainer(text);
  await stopContainer(context, id, {timeoutSeconds, signal: options.signal, holdsLock: true});
  await startLocked(context, record, options);
  recordContainerEvents(context, record, [{action: 'restart'}]);
  return id;
}

/** Whoever is root where it runs can both end it and start it there. */
async function restartAsRoot(
  context: ContainerContext,
  id: string,
  {timeoutSeconds, callAsRoot, signal, onEvent}: CallOptions & StopOptions & StartSettings,
): Promise<string> {
  const record = findRecord(context, id);
  if (!record) throw unknownContainer(id);
  const {pid} = await readState(context, record);
  const joins = pid ?? (await findNetworkOwner(context, record));
  return await callAsRoot({name: 'restart', id, timeoutSeconds}, {signal, onEvent, joins});
}
