import type {CallOptions} from '../../events.ts';
import {loadAttributeCalls} from '../../host/attribute-calls.ts';
import {writeTreeTar} from '../../layers/tree-tar.ts';
import type {ContainerContext} from '../context.ts';
import {recordContainerEvents} from '../record-events.ts';
import type {ContainerFiles} from './copy-from-container.ts';
import {openContainerRoot} from './open-root.ts';

/**
 * Opens the files of a container, those of its image and over them what it has written, as one tar. Volumes and binds
 * are left out. One that runs may change them meanwhile.
 *
 * @throws {WinchError} `CONTAINER_UNKNOWN` | `CONTAINER_AMBIGUOUS` | of the driver and the image
 */
export async function exportContainer(
  context: ContainerContext,
  text: string,
  options: CallOptions = {},
): Promise<ContainerFiles> {
  const root = await openContainerRoot(context, text, {...options, hasMounts: false});
  recordContainerEvents(context, root.subject, [{action: 'export'}]);
  const place = {directoryFd: root.rootFd, name: null};
  return {
    content: writeTreeTar(loadAttributeCalls(), place, {ownerOf: root.owners?.toContainer, signal: options.signal}),
    close: () => root[Symbol.dispose](),
  };
}
