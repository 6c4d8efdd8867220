import type {CallOptions} from '../../events.ts';
import type {ContainerContext} from '../context.ts';
import {recordContainerEvents} from '../record-events.ts';
import {requireContainer, unknownContainer} from './find-container.ts';
import {lockContainer} from './places.ts';
import {findRecord} from './record.ts';
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
  using _lock = await lockContainer(context, id, options.signal);
  const record = findRecord(context, id);
  if (!record) throw unknownContainer(text);
  await stopContainer(context, id, {timeoutSeconds, signal: options.signal, holdsLock: true});
  await startLocked(context, record, options);
  recordContainerEvents(context, record, [{action: 'restart'}]);
  return id;
}
