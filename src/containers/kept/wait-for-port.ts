import {setTimeout as sleep} from 'node:timers/promises';
import type {CallOptions} from '../../events.ts';
import {type PortProtocol, readListeningPorts} from '../../host/listening-ports.ts';
import type {ContainerContext} from '../context.ts';
import {requireLive} from './find-live.ts';

export interface WaitForPortOptions extends CallOptions {
  /** Absent: `tcp`. */
  readonly protocol?: PortProtocol | undefined;
}

const POLL_MS = 20;

/**
 * Waits until something in a running container waits for connections at a port, whether that is published or not. Nobody
 * connects to it for that.
 *
 * @param port The container's own.
 * @throws {WinchError} `CONTAINER_STOPPED`: it has ended before that | `CONTAINER_UNKNOWN` | `CONTAINER_AMBIGUOUS`
 */
export async function waitForPort(
  context: ContainerContext,
  text: string,
  {port, protocol, signal}: WaitForPortOptions & {readonly port: number},
): Promise<void> {
  for (;;) {
    signal?.throwIfAborted();
    const {pid} = await requireLive(context, text);
    for (let ports = readListeningPorts(pid, protocol); ports !== null; ports = readListeningPorts(pid, protocol)) {
      if (ports.has(port)) return;
      await sleep(POLL_MS);
      signal?.throwIfAborted();
    }
  }
}
