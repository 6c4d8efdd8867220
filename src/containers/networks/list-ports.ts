import {join} from 'node:path';
import type {CallOptions} from '../../events.ts';
import type {PublishedPort} from '../../network/network-mode.ts';
import type {ContainerContext} from '../context.ts';
import {volatileParent} from '../directories.ts';
import {findByText, unknownContainer} from '../kept/find-container.ts';
import {findRun} from '../kept/one-shot-runs.ts';
import {volatileDirectory} from '../kept/places.ts';
import {listRecords} from '../kept/record.ts';
import {readNetworks} from './read-networks.ts';

/**
 * The ports of a container that are ports of this machine now; none of one that does not run.
 *
 * @throws {WinchError} `CONTAINER_UNKNOWN` | `CONTAINER_AMBIGUOUS`
 */
export async function listPorts(
  context: ContainerContext,
  text: string,
  _options: CallOptions = {},
): Promise<readonly PublishedPort[]> {
  const kept = findByText(listRecords(context), text);
  if (kept) return readNetworks(volatileDirectory(context, kept.id)).ports;
  const run = await findRun(context, text);
  if (run) return readNetworks(join(volatileParent(context), run.id)).ports;
  throw unknownContainer(text);
}
